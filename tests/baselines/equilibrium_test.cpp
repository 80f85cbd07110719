// The equilibrium baselines against their published equations and counts.
#include "models/rules.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/baselines/catalogue.h"
#include "optdnn/baselines/cost.h"
#include "optdnn/baselines/mondeq.h"

using namespace optdnn;
using torch::Tensor;

namespace {

const models::NetworkShape kSmallImage{{3, 8, 8}, 10};

solvers::SolverSpec picard(int64_t steps, double tolerance, const solvers::GradientSpec& gradient) {
  solvers::PicardSpec spec;
  spec.steps = steps;
  spec.tolerance = tolerance;
  spec.gradient = gradient;
  return spec;
}

baselines::MonDeqSpec mondeq_spec(baselines::Splitting splitting, double alpha) {
  baselines::MonDeqSpec spec;
  spec.width = 6;
  spec.splitting = splitting;
  spec.alpha = alpha;
  spec.solver = picard(1500, 1e-12, solvers::ExactGradient{});
  return spec;
}

baselines::MonDeq make_mondeq(const baselines::MonDeqSpec& spec) {
  base::seed_torch(3);
  baselines::MonDeq net(spec, kSmallImage);
  net->to(torch::kFloat64);
  return net;
}

Tensor images() {
  base::seed_torch(4);
  return torch::randn({3, 3, 8, 8}, torch::kFloat64);
}

Tensor inside(const Tensor& z) { return z.slice(2, 1, z.size(2) - 1).slice(3, 1, z.size(3) - 1); }

std::vector<baselines::ModelSpec> equilibrium_models() {
  baselines::DeqSpec deq;
  deq.width = deq.hidden = 8;
  baselines::MdeqSpec mdeq;
  mdeq.width = {8, 8, 16};
  mdeq.head_width = {2, 4, 8};
  baselines::MonDeqSpec mondeq;
  mondeq.width = 8;
  return {deq, mdeq, mondeq};
}

// The published equations in evaluation, after `steps` applications, straight from the weights by their names.
struct NaiveEquilibrium {
  torch::OrderedDict<std::string, Tensor> weights;

  Tensor w(const std::string& name) const { return weights[name]; }
  Tensor conv(const Tensor& x, const Tensor& kernel, int64_t stride = 1, const Tensor& bias = {}) const {
    return torch::conv2d(x, kernel, bias, stride, kernel.size(-1) / 2);
  }
  Tensor group(const Tensor& x, const std::string& norm, int64_t groups = 8) const {
    return torch::group_norm(x, groups, w(norm + ".weight"), w(norm + ".bias"));
  }
  // Running statistics are those of the start: mean 0, variance 1.
  Tensor batch(const Tensor& x, const std::string& norm = "") const {
    const Tensor y = x / std::sqrt(1.0 + 1e-5);
    return norm.empty() ? y : y * w(norm + ".weight").view({-1, 1, 1}) + w(norm + ".bias").view({-1, 1, 1});
  }
  Tensor normalised(const std::string& name) const {
    const Tensor v = w(name + ".conv.weight");
    return v * (w(name + ".conv.gain") / v.flatten(1).norm(2, 1)).view({-1, 1, 1, 1});
  }

  Tensor deq(const Tensor& image, int steps) const {
    const Tensor x = batch(conv(image, w("stem.weight"), 1, w("stem.bias")), "stem_norm");
    Tensor z = torch::zeros_like(x);
    for (int i = 0; i < steps; ++i) {
      const Tensor y = group(torch::relu(conv(z, w("conv1.weight"))), "norm1");
      z = group(torch::relu(z + group(x + conv(y, w("conv2.weight")), "norm2")), "norm3");
    }
    const Tensor pooled = torch::avg_pool2d(batch(z, "head_norm"), 8).flatten(1);
    return torch::linear(pooled, w("linear.weight"), w("linear.bias"));
  }

  Tensor block(const std::string& at, const Tensor& z, const Tensor& x) const {
    const Tensor inner = torch::relu(group(conv(z, normalised(at + "conv1")), at + "norm1"));
    const Tensor out = group(conv(inner, normalised(at + "conv2")) + x, at + "norm2") + z;
    return group(torch::relu(out), at + "norm3");
  }
  Tensor post(const std::string& at, const Tensor& sum) const {
    return group(conv(torch::relu(sum), normalised(at + "post")), at + "post_norm", 4);
  }
  Tensor bottleneck(const std::string& at, const Tensor& x) const {
    Tensor y = torch::relu(batch(conv(x, w(at + "conv1.weight"))));
    y = torch::relu(batch(conv(y, w(at + "conv2.weight"))));
    y = batch(conv(y, w(at + "conv3.weight")));
    const bool as_wide = weights.find(at + "shortcut.weight") == nullptr;
    return torch::relu(y + (as_wide ? x : batch(conv(x, w(at + "shortcut.weight")), at + "shortcut_norm")));
  }
  // Of two scales.
  Tensor mdeq(const Tensor& image, int steps) const {
    Tensor x = torch::relu(batch(conv(image, w("stem1.weight")), "norm1"));
    x = torch::relu(batch(conv(x, w("stem2.weight")), "norm2"));
    Tensor fine = torch::zeros_like(x), coarse = torch::zeros({x.size(0), 16, 4, 4}, x.options());
    for (int i = 0; i < steps; ++i) {
      const Tensor h0 = block("scale_0.", fine, x), h1 = block("scale_1.", coarse, torch::zeros_like(coarse));
      const Tensor up = group(conv(h1, w("scale_0.from_1_0.conv.weight")), "scale_0.from_1_0.norm");
      const Tensor down = group(conv(h0, w("scale_1.from_0_0.conv.weight"), 2), "scale_1.from_0_0.norm");
      fine = post("scale_0.", h0 + up.repeat_interleave(2, 2).repeat_interleave(2, 3));
      coarse = post("scale_1.", h1 + down);
    }
    const Tensor halved =
        conv(bottleneck("head.block_0.", fine), w("head.halve_1.conv.weight"), 2, w("head.halve_1.conv.bias"));
    Tensor y = bottleneck("head.block_1.", coarse) + torch::relu(batch(halved, "head.halve_1.norm"));
    y = torch::relu(batch(conv(y, w("head.last.conv.weight"), 1, w("head.last.conv.bias")), "head.last.norm"));
    return torch::linear(y.mean({2, 3}), w("head.linear.weight"), w("head.linear.bias"));
  }
};

}  // namespace

TEST_CASE("both splittings of mondeq find the z with z = relu(W z + U x + b)") {
  for (const auto& [splitting, alpha] : {std::pair(baselines::Splitting::peaceman_rachford, 1.0),
                                         std::pair(baselines::Splitting::peaceman_rachford, 0.3),
                                         std::pair(baselines::Splitting::forward_backward, 0.05)}) {
    baselines::MonDeq net = make_mondeq(mondeq_spec(splitting, alpha));
    torch::NoGradGuard no_grad;
    const Tensor x = images(), z = net->equilibrium(x);
    const Tensor fixed = inside(torch::relu(net->times_W(z) + net->injection(x)));
    REQUIRE((inside(z) - fixed).abs().max().item<double>() < 1e-9);
    REQUIRE(z.max().item<double>() > 0.01);
    REQUIRE(z.abs().sum().item<double>() == Approx(inside(z).abs().sum().item<double>()));  // the border is zero
  }
}

namespace {

// The matrix of a 3x3 convolution with periodic edges, entry by entry. Shapes: O x I x 3 x 3 -> O*H*W x I*H*W.
Tensor matrix_of(const Tensor& kernel, int64_t height, int64_t width) {
  const int64_t outputs = kernel.size(0), inputs = kernel.size(1), pixels = height * width;
  const Tensor matrix = torch::zeros({outputs * pixels, inputs * pixels}, torch::kFloat64);
  const auto from = kernel.accessor<double, 4>();
  auto to = matrix.accessor<double, 2>();
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t i = 0; i < inputs; ++i) {
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          for (int64_t v = -1; v <= 1; ++v) {
            for (int64_t u = -1; u <= 1; ++u) {
              const int64_t row = (y + v + height) % height, column = (x + u + width) % width;
              to[o * pixels + y * width + x][i * pixels + row * width + column] += from[o][i][v + 1][u + 1];
            }
          }
        }
      }
    }
  }
  return matrix;
}

}  // namespace

TEST_CASE("mondeq is its equations, with W, U and the border written out as matrices of numbers") {
  baselines::MonDeqSpec spec = mondeq_spec(baselines::Splitting::peaceman_rachford, 1.0);
  spec.margin = 0.7;
  baselines::MonDeq net = make_mondeq(spec);
  const torch::NoGradGuard no_grad;
  for (const Tensor& parameter : net->parameters()) parameter.add_(0.1 * torch::randn_like(parameter));
  const auto weights = net->named_parameters();
  const auto normed = [&](const char* name) { return weights[name] / weights[name].norm(); };
  const Tensor A = matrix_of(normed("A"), 10, 10), B = matrix_of(weights["h"] * normed("B"), 10, 10);
  const Tensor identity = torch::eye(600, torch::kFloat64);
  const Tensor W = 0.3 * identity - weights["g"] * A.t().mm(A) + B - B.t();
  const Tensor image = images();
  const Tensor bordered = torch::constant_pad_nd(image, {1, 1, 1, 1}).flatten(1);
  const Tensor x = bordered.mm(matrix_of(weights["U"], 10, 10).t()) + weights["bias"].repeat_interleave(100);
  const Tensor is_inside = torch::constant_pad_nd(torch::ones({6, 8, 8}, torch::kFloat64), {1, 1, 1, 1}).flatten();
  Tensor z = torch::zeros({3, 600}, torch::kFloat64);
  for (int i = 0; i < 4000; ++i) z = is_inside * torch::relu(0.95 * z + 0.05 * (z.mm(W.t()) + x));
  // The averages of 4 x 4 pixels; the last two rows and columns of ten have none.
  const Tensor cells = z.view({3, 6, 10, 10}).slice(2, 0, 8).slice(3, 0, 8).reshape({3, 6, 2, 4, 2, 4}).mean({3, 5});
  const Tensor expected = cells.flatten(1).mm(weights["linear.weight"].t()) + weights["linear.bias"];
  REQUIRE(z.max().item<double>() > 0.01);
  REQUIRE((net->forward(image) - expected).abs().max().item<double>() < 1e-8);
}

TEST_CASE("in mondeq no edge of an image sees the opposite one") {
  // With its border zero, W z inside is what it is in the middle of a larger field of zeros.
  baselines::MonDeq net = make_mondeq(mondeq_spec(baselines::Splitting::peaceman_rachford, 1.0));
  torch::NoGradGuard no_grad;
  const Tensor z = torch::constant_pad_nd(torch::rand({2, 6, 8, 8}, torch::kFloat64), {1, 1, 1, 1});
  const Tensor wide = torch::constant_pad_nd(z, {3, 3, 3, 3});
  const Tensor middle = net->times_W(wide).slice(2, 3, 13).slice(3, 3, 13);
  REQUIRE((inside(net->times_W(z)) - inside(middle)).abs().max().item<double>() < 1e-12);
  REQUIRE((net->times_W(z) - middle).abs().max().item<double>() > 1e-3);  // in the border the edges do meet
}

TEST_CASE("I - W of mondeq is at least m I") {
  baselines::MonDeq net = make_mondeq(mondeq_spec(baselines::Splitting::peaceman_rachford, 1.0));
  torch::NoGradGuard no_grad;
  const int64_t size = 6 * 10 * 10;
  const Tensor W = net->times_W(torch::eye(size, torch::kFloat64).view({size, 6, 10, 10})).view({size, size});
  const Tensor symmetric = torch::eye(size, torch::kFloat64) - (W + W.t()) / 2;
  REQUIRE(torch::linalg_eigvalsh(symmetric).min().item<double>() >= 1.0 - 1e-9);
}

TEST_CASE("the exact gradient of mondeq is the same through both splittings, and the unrolled one") {
  const auto gradient = [](baselines::MonDeqSpec spec) {
    baselines::MonDeq net = make_mondeq(spec);
    net->forward(images()).pow(2).sum().backward();
    std::vector<Tensor> all;
    for (const auto& parameter : net->named_parameters()) all.push_back(parameter->grad().flatten());
    return torch::cat(all);
  };
  const Tensor reflected = gradient(mondeq_spec(baselines::Splitting::peaceman_rachford, 1.0));
  const Tensor forward = gradient(mondeq_spec(baselines::Splitting::forward_backward, 0.05));
  baselines::MonDeqSpec unrolled = mondeq_spec(baselines::Splitting::peaceman_rachford, 1.0);
  unrolled.solver = picard(80, 0.0, solvers::UnrolledGradient{});
  const double scale = reflected.abs().max().item<double>();
  REQUIRE((reflected - forward).abs().max().item<double>() < 1e-7 * scale);
  REQUIRE((reflected - gradient(unrolled)).abs().max().item<double>() < 1e-7 * scale);
}

TEST_CASE("mondeq of width 81 has the 172 k parameters of the published one on CIFAR-10") {
  baselines::MonDeq net(baselines::MonDeqSpec{}, models::NetworkShape{{3, 32, 32}, 10});
  REQUIRE((baselines::count_parameters(*net) + 500) / 1000 == 172);  // 172 k in Winston, Kolter 2020, Table 1
}

TEST_CASE("every equilibrium network trains: finite logits, a gradient for every weight, a tally of its solves") {
  for (const baselines::ModelSpec& spec : equilibrium_models()) {
    std::visit([](const auto& chosen) { UNSCOPED_INFO(std::decay_t<decltype(chosen)>::kName); }, spec);
    base::seed_torch(5);
    models::Network network = baselines::make_baseline(spec, kSmallImage);
    const Tensor logits = network.forward(torch::randn({4, 3, 8, 8}));
    REQUIRE(logits.sizes() == torch::IntArrayRef({4, 10}));
    (logits * torch::randn_like(logits)).sum().backward();
    for (const auto& parameter : network.module.ptr()->named_parameters()) {
      INFO(parameter.key());
      REQUIRE(parameter->grad().defined());
      REQUIRE(parameter->grad().isfinite().all().item<bool>());
    }
    const auto points = solvers::fixed_points(*network.module.ptr());
    REQUIRE(points.size() == 1);
    REQUIRE(points.front()->tally().take().solves == 4);
  }
}

TEST_CASE("deq and mdeq have the published numbers of parameters") {
  const models::NetworkShape cifar{{3, 32, 32}, 10};
  const auto parameters = [&](const baselines::ModelSpec& spec) {
    return baselines::count_parameters(*baselines::make_baseline(spec, cifar).module.ptr());
  };
  REQUIRE(parameters(baselines::DeqSpec{}) == 64842);
  // The published code for MDEQ-small, summed by hand: two stem convolutions, two blocks, the two ways between them,
  // two 1x1 convolutions after fusion, all with their norms, and the head.
  const int64_t stem = 3 * 24 * 9 + 48 + 24 * 24 * 9 + 48;
  const int64_t block = 2 * (24 * 120 * 9) + 120 + 24 + 240 + 48 + 48;
  const int64_t ways = 24 * 24 * 9 + 48 + 24 * 24 + 48;
  const int64_t after = 24 * 24 + 24 + 48;
  const int64_t widened =
      (24 * 8 + 8 * 8 * 9 + 8 * 32 + 24 * 32 + 64) + (24 * 16 + 16 * 16 * 9 + 16 * 64 + 24 * 64 + 128);
  const int64_t head = widened + (32 * 64 * 9 + 64 + 128) + (64 * 200 + 200 + 400) + 2010;
  REQUIRE(parameters(baselines::MdeqSpec{}) == stem + 2 * block + ways + 2 * after + head);
  REQUIRE(parameters(baselines::MdeqSpec{}) == 158986);
}

TEST_CASE("every deq finds its equilibrium before training begins") {
  baselines::DeqSpec narrow;
  narrow.width = narrow.hidden = 8;
  for (const baselines::ModelSpec& spec : std::vector<baselines::ModelSpec>{baselines::DeqSpec{}, narrow}) {
    for (const bool training : {true, false}) {
      base::seed_torch(6);
      models::Network network = baselines::make_baseline(spec, kSmallImage);
      network.module.ptr()->train(training);
      torch::NoGradGuard no_grad;
      network.forward(torch::randn({8, 3, 8, 8}));
      const auto taken = solvers::fixed_points(*network.module.ptr()).front()->tally().take();
      REQUIRE(taken.solves == 8);
      REQUIRE(taken.failed == 0);
    }
  }
}

// Its coarser scales have no injection, and GroupNorm makes their small weights large again: the spectral radius is
// more than one. The published training begins with passes that solve nothing for a reason (pretrain).
TEST_CASE("mdeq finds no equilibrium before training begins, in the steps of its published solver") {
  solvers::BroydenSpec solver;
  solver.steps = solver.memory = 22;
  solver.tolerance = 1e-3;
  baselines::MdeqSpec spec;
  spec.solver = solver;
  base::seed_torch(6);
  models::Network network = baselines::make_baseline(spec, {{3, 32, 32}, 10});
  network.module.ptr()->eval();
  const torch::NoGradGuard no_grad;
  network.forward(torch::randn({4, 3, 32, 32}));
  const auto taken = solvers::fixed_points(*network.module.ptr()).front()->tally().take();
  REQUIRE(taken.solves == 4);
  REQUIRE(taken.failed == 4);
}

namespace {

// The largest difference of the network from its equations, each sample after the number of applications, at most four,
// at which it is smallest: a solve answers with every sample's best iterate, and then applies once more.
double off(const baselines::ModelSpec& spec) {
  base::seed_torch(7);
  const Tensor x = images();
  models::Network network = baselines::make_baseline(spec, kSmallImage);
  const auto module = network.module.ptr();
  module->to(torch::kFloat64);
  module->eval();
  torch::NoGradGuard no_grad;
  for (const Tensor& parameter : module->parameters()) parameter.add_(0.05 * torch::randn_like(parameter));
  const NaiveEquilibrium naive{module->named_parameters()};
  const Tensor output = network.forward(x);
  std::vector<Tensor> differences;
  for (int steps = 1; steps <= 4; ++steps) {
    const bool is_deq = std::holds_alternative<baselines::DeqSpec>(spec);
    differences.push_back((output - (is_deq ? naive.deq(x, steps) : naive.mdeq(x, steps))).abs().amax(1));
  }
  return torch::stack(differences).amin(0).max().item<double>();
}

// And one more after the solve.
solvers::SolverSpec three_steps() { return picard(3, 0.0, solvers::UnrolledGradient{}); }

}  // namespace

TEST_CASE("deq and mdeq are their equations, written out") {
  baselines::DeqSpec deq;
  deq.width = 8;
  deq.hidden = 16;
  deq.solver = three_steps();
  REQUIRE(off(deq) < 1e-10);
  baselines::MdeqSpec mdeq;
  mdeq.width = {8, 16};
  mdeq.head_width = {2, 8};  // the first block of the head needs no shortcut
  mdeq.solver = three_steps();
  REQUIRE(off(mdeq) < 1e-10);
}

TEST_CASE("the first passes of mdeq's training run a few steps and no solve, and the dropout is one mask a pass") {
  baselines::MdeqSpec spec;
  spec.width = {8, 8};
  spec.head_width = {2, 2};
  spec.pretrain = baselines::PretrainSpec{2, 3};
  base::seed_torch(8);
  models::Network network = baselines::make_baseline(spec, kSmallImage);
  const Tensor x = torch::randn({4, 3, 8, 8});
  auto& tally = solvers::fixed_points(*network.module.ptr()).front()->tally();
  for (const int64_t solves : {0, 0, 4}) {
    network.forward(x).sum().backward();
    REQUIRE(tally.take().solves == solves);
  }
  network.module.ptr()->eval();
  torch::NoGradGuard no_grad;
  network.forward(x);
  REQUIRE(tally.take().solves == 4);
}

TEST_CASE("equilibrium networks refuse vectors, and images too small for their scales") {
  for (const baselines::ModelSpec& spec : equilibrium_models()) {
    REQUIRE_THROWS_AS(baselines::make_baseline(spec, models::NetworkShape{{3}, 2}), base::ConfigError);
  }
  baselines::MdeqSpec deep;
  deep.width = deep.head_width = std::vector<int64_t>(5, 8);
  REQUIRE_THROWS_AS(baselines::make_baseline(deep, kSmallImage), base::ConfigError);
}
