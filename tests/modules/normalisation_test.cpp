// What normalised weights promise, against dense linear algebra.
#include "optdnn/modules/normalisation.h"

#include "optdnn/base/random.h"
#include "optdnn/modules/normalised_convolution.h"
#include "support/catch.h"

using namespace optdnn;
using torch::Tensor;

TEST_CASE("the spectral norm is the largest singular value, of every run") {
  base::seed_torch(1);
  for (const auto& sizes : std::vector<std::vector<int64_t>>{{5, 3}, {3, 5}, {4, 6, 2}}) {
    const Tensor w = torch::randn(sizes, torch::kFloat64);
    REQUIRE(torch::allclose(modules::spectral_norm(w), torch::linalg_matrix_norm(w, 2), 1e-10, 1e-12));
  }
}

TEST_CASE("the largest eigenvalue by repeated squaring is that of the decomposition, with its gradient") {
  base::seed_torch(5);
  for (const auto& sizes : std::vector<std::vector<int64_t>>{{1, 4}, {7, 30}, {64, 144}, {3, 16, 20}}) {
    for (const double scale : {1e-6, 1.0, 1e6}) {
      const Tensor w = scale * torch::randn(sizes, torch::kFloat64);
      Tensor values[2], gradients[2];
      for (const bool by_squaring : {false, true}) {
        const Tensor at = w.clone().requires_grad_();
        values[by_squaring] = modules::largest_eigenvalue(at.matmul(at.transpose(-2, -1)), by_squaring);
        gradients[by_squaring] = torch::autograd::grad({values[by_squaring].sum()}, {at})[0];
      }
      REQUIRE(torch::allclose(values[1], values[0], 1e-7, 0));
      REQUIRE(torch::allclose(gradients[1], gradients[0], 1e-4, 1e-6 * scale));
    }
  }
}

TEST_CASE("by repeated squaring, equal eigenvalues and a matrix of zeros are no trouble") {
  REQUIRE(modules::largest_eigenvalue(3.0 * torch::eye(5, torch::kFloat64), true).item<double>() == Approx(3.0));
  const Tensor zero = torch::zeros({4, 4}).requires_grad_();
  const Tensor value = modules::largest_eigenvalue(zero, true);
  REQUIRE(value.item<float>() == 0);
  REQUIRE(torch::autograd::grad({value}, {zero})[0].isfinite().all().item<bool>());
}

TEST_CASE("the bound of a convolution holds for the matrix it is, and is within its factor") {
  base::seed_torch(2);
  const Tensor kernel = torch::randn({3, 2, 3, 3}, torch::kFloat64);
  const Tensor unit_vectors = torch::eye(2 * 6 * 5, torch::kFloat64).view({-1, 2, 6, 5});
  const Tensor matrix = torch::conv2d(unit_vectors, kernel, {}, 1, 1).flatten(1);
  const double norm = torch::linalg_matrix_norm(matrix, 2).item<double>();
  const double bound = modules::convolution_norm(kernel).item<double>();
  REQUIRE(norm <= bound);
  REQUIRE(bound <= 3.0 * norm + 1e-9);
}

TEST_CASE("an activation's Lipschitz constant is its largest slope") {
  const Tensor x = torch::linspace(-20, 20, 400001, torch::kFloat64).requires_grad_();
  for (const auto& entry : enum_names(modules::Activation{}).entries()) {
    INFO(entry.name);
    const Tensor slope = torch::autograd::grad({modules::activate(entry.value, x).sum()}, {x})[0];
    const double largest = slope.max().item<double>(), constant = modules::lipschitz_constant(entry.value);
    REQUIRE(largest <= constant + 1e-12);
    REQUIRE(largest > constant - 1e-3);
  }
}

TEST_CASE("the bounded group norm is a contraction, and the group norm where the deviation is above 1") {
  base::seed_torch(3);
  const Tensor weight = torch::ones({4}, torch::kFloat64), bias = torch::zeros({4}, torch::kFloat64);
  for (const double size : {0.2, 1.0, 5.0}) {
    const Tensor a = size * torch::randn({8, 4, 5, 5}, torch::kFloat64), b = a + 0.3 * torch::randn_like(a);
    const Tensor fa = modules::bounded_group_norm(a, 2, weight, bias),
                 fb = modules::bounded_group_norm(b, 2, weight, bias);
    REQUIRE(((fa - fb).flatten(1).norm(2, 1) <= (a - b).flatten(1).norm(2, 1) + 1e-12).all().item<bool>());
    if (size == 5.0) REQUIRE(torch::allclose(fa, torch::group_norm(a, 2, weight, bias, 0.0), 1e-9, 1e-9));
  }
}

TEST_CASE("weight norm separates length and direction") {
  base::seed_torch(4);
  modules::NormalisedConvolution conv(3, 5, 3, 1, modules::Normalisation::weight);
  REQUIRE(torch::allclose(conv->kernel(), conv->weight, 1e-5, 1e-6));  // it starts where its weights are
  torch::NoGradGuard no_grad;
  conv->weight.mul_(7.0);
  conv->gain.fill_(2.0);
  REQUIRE(torch::allclose(conv->kernel().flatten(1).norm(2, 1), torch::full({5}, 2.0)));
  modules::NormalisedConvolution spectral(3, 5, 3, 2, modules::Normalisation::spectral);
  REQUIRE_FALSE(spectral->gain.defined());
  REQUIRE(spectral->forward(torch::randn({2, 3, 6, 6})).sizes() == torch::IntArrayRef({2, 5, 3, 3}));
}
