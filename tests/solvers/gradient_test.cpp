// Gradients through a fixed point, against formulas and against each other; what a pass counts.
#include "optdnn/base/errors.h"
#include "optdnn/solvers/fixed_point.h"
#include "optdnn/solvers/packing.h"
#include "optdnn/solvers/spectral_radius.h"
#include "solvers/maps.h"

using namespace optdnn;
using solvers::FixedPoint;
using solvers::GradientSpec;
using torch::Tensor;

namespace {

solvers::SolverSpec with_gradient(solvers::SolverSpec spec, const GradientSpec& gradient) {
  solvers::common(spec).gradient = gradient;
  return spec;
}

// u = tanh(W u + x), a contraction for |W| < 1.
struct Tanh {
  Tensor weight_NN, input_SN;
  explicit Tanh(double norm) {
    base::seed_torch(2);
    const Tensor random = torch::randn({6, 6}, torch::kFloat64);
    weight_NN = (norm * random / torch::linalg_matrix_norm(random, 2)).requires_grad_();
    input_SN = torch::randn({5, 6}, torch::kFloat64).requires_grad_();
  }
  Tensor operator()(const Tensor& u) const { return torch::tanh(torch::linear(u, weight_NN) + input_SN); }
  Tensor start() const { return torch::zeros({5, 6}, torch::kFloat64); }

  // The gradients of sum(u * some weights) as one vector.
  Tensor gradient(const solvers::SolverSpec& spec) const {
    FixedPoint point(spec);
    const Tensor u = point->solve(*this, start());
    const auto grads = torch::autograd::grad({(u * torch::arange(30.0, torch::kFloat64).view({5, 6}).cos()).sum()},
                                             {weight_NN, input_SN});
    return torch::cat({grads[0].flatten(), grads[1].flatten()});
  }
};

double cosine(const Tensor& a, const Tensor& b) { return (a.dot(b) / (a.norm() * b.norm())).item<double>(); }

}  // namespace

TEST_CASE("the exact gradient equals that of the unrolled solve to 1e-8, for every solver") {
  const Tanh F(0.7);
  for (const auto& spec : tests::every_solver()) {
    INFO(tests::name_of(spec));
    const Tensor exact = F.gradient(with_gradient(spec, solvers::ExactGradient{}));
    const Tensor unrolled = F.gradient(with_gradient(tests::every_solver().front(), solvers::UnrolledGradient{}));
    REQUIRE((exact - unrolled).abs().max().item<double>() < 1e-8);
  }
}

TEST_CASE("a solver of few steps is differentiated through its steps, Anderson's and Broyden's weights included") {
  for (const auto& spec : tests::every_solver(4, 0.0)) {
    INFO(tests::name_of(spec));
    Tanh F(0.7);
    FixedPoint point(with_gradient(spec, solvers::UnrolledGradient{}));
    const auto value = [&] { return point->solve(F, F.start()).pow(2).sum(); };
    const Tensor slope = torch::autograd::grad({value()}, {F.input_SN})[0];
    torch::NoGradGuard no_grad;
    const Tensor direction = torch::randn_like(slope), middle = F.input_SN.clone();
    const auto at = [&](double h) {
      F.input_SN = middle + h * direction;
      torch::AutoGradMode recorded(true);
      return value().item<double>();
    };
    const double h = 1e-5;
    REQUIRE((slope * direction).sum().item<double>() == Approx((at(h) - at(-h)) / (2 * h)).epsilon(1e-4));
  }
}

TEST_CASE("phantom and Jacobian-free gradients point the way of the exact one, phantom more closely") {
  const Tanh F(0.7);
  const auto solver = tests::every_solver()[1];
  const Tensor exact = F.gradient(with_gradient(solver, solvers::ExactGradient{}));
  const double phantom = cosine(exact, F.gradient(with_gradient(solver, solvers::PhantomGradient{})));
  const double free = cosine(exact, F.gradient(with_gradient(solver, solvers::JacobianFreeGradient{})));
  REQUIRE(free > 0.5);
  REQUIRE(phantom > free);
  REQUIRE(phantom < 1.0 - 1e-6);  // and is not the exact one
}

TEST_CASE("phantom steps from a solution that many of them reach are the exact gradient") {
  const Tanh F(0.5);
  const auto solver = tests::every_solver()[1];
  const Tensor exact = F.gradient(with_gradient(solver, solvers::ExactGradient{}));
  const Tensor phantom = F.gradient(with_gradient(solver, solvers::PhantomGradient{80, 0.0}));
  REQUIRE((exact - phantom).abs().max().item<double>() < 1e-10);
}

TEST_CASE("a second derivative of the exact gradient is refused by name, of the unrolled one it exists") {
  const Tanh F(0.5);
  const auto second = [&](const GradientSpec& gradient) {
    FixedPoint point(with_gradient(tests::every_solver(30, 0.0)[0], gradient));
    const Tensor u = point->solve(F, F.start());
    const Tensor first = torch::autograd::grad({u.sum()}, {F.input_SN}, {}, true, /*create_graph=*/true)[0];
    return torch::autograd::grad({first.pow(2).sum()}, {F.input_SN})[0];
  };
  REQUIRE_THROWS_AS(second(solvers::ExactGradient{}), base::ConfigError);
  REQUIRE(second(solvers::UnrolledGradient{}).abs().sum().item<double>() > 0);
}

TEST_CASE("evaluation returns the value that training returns, except that phantom has moved on") {
  const Tanh F(0.7);
  for (const auto& spec : tests::every_solver(8, 0.0)) {
    for (const GradientSpec& gradient :
         {GradientSpec(solvers::ExactGradient{}), GradientSpec(solvers::JacobianFreeGradient{}),
          GradientSpec(solvers::UnrolledGradient{})}) {
      FixedPoint point(with_gradient(spec, gradient));
      const Tensor training = point->solve(F, F.start());
      torch::NoGradGuard no_grad;
      REQUIRE(torch::allclose(training, point->solve(F, F.start()), 1e-12, 1e-12));
    }
  }
}

TEST_CASE("failures forward and back are counted, and the residual after every look is kept") {
  solvers::SolverSpec spec = tests::every_solver(3, 1e-12)[0];
  const Tanh F(0.9);
  FixedPoint point(spec);
  point->solve(F, F.start()).sum().backward();
  const auto numbers = point->tally().take();
  REQUIRE(numbers.solves == 5);
  REQUIRE(numbers.steps == 3);
  REQUIRE(numbers.failed == 5);
  REQUIRE(numbers.failed_back == 5);
  REQUIRE(numbers.residual > 1e-12);
  REQUIRE(numbers.curve.size() == 3);
  REQUIRE(numbers.curve.at(3) < numbers.curve.at(1));
  REQUIRE(point->tally().take().solves == 0);
}

TEST_CASE("the penalty is the mean square of the entries of v^T J, and passes a gradient to the weights") {
  solvers::SolverSpec spec = tests::every_solver()[1];
  solvers::common(spec).jacobian_penalty = 2.0;
  const tests::LinearMap F(2000, 4, 0.5);
  Tensor matrix = F.matrix_SNN.clone().requires_grad_();
  const auto map = [&](const Tensor& u) { return torch::bmm(matrix, u.unsqueeze(2)).squeeze(2) + F.constant_SN; };
  FixedPoint point(spec);
  point->solve(map, torch::zeros({2000, 4}, torch::kFloat64));
  const Tensor penalty = point->take_penalty();
  REQUIRE(penalty.item<double>() == Approx(2.0 * F.matrix_SNN.pow(2).sum().item<double>() / (2000 * 4)).epsilon(0.05));
  REQUIRE(torch::autograd::grad({penalty}, {matrix})[0].abs().sum().item<double>() > 0);
  REQUIRE_FALSE(point->take_penalty().defined());
  point->eval();
  point->solve(map, torch::zeros({2000, 4}, torch::kFloat64));
  REQUIRE_FALSE(point->take_penalty().defined());
}

TEST_CASE("the spectral radius is that of the matrix, of real and of complex eigenvalues") {
  const double c = 0.6, s = 0.3;
  const Tensor matrices =
      torch::tensor({{{0.9, 0.0, 0.0}, {5.0, 0.2, 0.0}, {0.0, 1.0, 0.1}}, {{c, -s, 0.0}, {s, c, 0.0}, {1.0, 0.0, 0.1}}},
                    torch::kFloat64);
  const Tensor radius =
      solvers::spectral_radius([&](const Tensor& u) { return torch::bmm(matrices, u.unsqueeze(2)).squeeze(2); },
                               torch::zeros({2, 3}, torch::kFloat64), 200);
  REQUIRE(radius[0].item<double>() == Approx(0.9).epsilon(1e-3));
  REQUIRE(radius[1].item<double>() == Approx(std::hypot(c, s)).epsilon(1e-3));
}

TEST_CASE("packing keeps every sample's numbers together and copies no image") {
  const Tensor image = torch::randn({3, 4, 5, 6}).contiguous(torch::MemoryFormat::ChannelsLast);
  const solvers::Packing one({image});
  REQUIRE(one.pack({image}).data_ptr() == image.data_ptr());
  REQUIRE(one.unpack(one.pack({image}))[0].is_contiguous(torch::MemoryFormat::ChannelsLast));
  const Tensor vectors = torch::randn({2, 7, 3}), more = torch::randn({2, 7, 3});
  const solvers::Packing two({vectors, more});
  const Tensor rows = two.pack({vectors, more});
  REQUIRE(rows.sizes() == torch::IntArrayRef({14, 6}));
  REQUIRE(rows.sizes() == two.zeros().sizes());
  REQUIRE(torch::equal(two.unpack(rows)[1], more));
  REQUIRE(torch::equal(rows[8], torch::cat({vectors[1][1], more[1][1]})));
}
