// Projections and layer scales in 16 bits on a GPU, with sums over rows by kernels, beside LibTorch's operators.
#include "optdnn/modules/gpu_columns.h"

#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using torch::Tensor;
using training::Autocast, training::Precision;

namespace {

// The gradients of sum f(leaves) * dy, and those of the sum of their squares: twice, by kernels, and by operators.
struct Gradients {
  std::vector<Tensor> first, once, second;
};

template <class Function>
Gradients gradients(const std::vector<Tensor>& leaves, const Tensor& dy, Function function) {
  const Tensor y = function(leaves);
  Gradients found;
  found.once = torch::autograd::grad({y}, leaves, {dy.to(y.scalar_type())}, true);
  found.first = torch::autograd::grad({y}, leaves, {dy.to(y.scalar_type())}, true, true);
  Tensor squares = found.first[0].to(dy.scalar_type()).pow(2).sum();
  found.second = torch::autograd::grad({squares}, {leaves[1]});
  return found;
}

std::vector<Tensor> exactly(const std::vector<Tensor>& leaves) {
  std::vector<Tensor> all;
  for (const Tensor& leaf : leaves) all.push_back(wide(leaf).requires_grad_());
  return all;
}

void check_close(const Gradients& found, const Gradients& wanted, double step) {
  for (size_t i = 0; i < wanted.first.size(); ++i) {
    CAPTURE(i);
    CHECK(worst(found.once[i], wanted.first[i].detach()) < step);
    CHECK(worst(found.first[i], wanted.first[i].detach()) < step);
  }
  CHECK(worst(found.second[0], wanted.second[0]) < 4 * step);
}

}  // namespace

TEST_CASE("a projection in 16 bits has LibTorch's values and gradients, its bias' gradient by a kernel") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const auto& [precision, step] : {std::pair{Precision::float16, 6e-3}, {Precision::bfloat16, 5e-2}}) {
    for (const int64_t outputs : {1, 3, 6, 16, 40}) {
      CAPTURE(outputs, step);
      torch::manual_seed(19);
      const std::vector<Tensor> leaves = {torch::randn({3, 11, 8}).to(gpu->device).requires_grad_(),
                                          torch::randn({outputs, 8}).mul(0.3).to(gpu->device).requires_grad_(),
                                          torch::randn({outputs}).to(gpu->device).requires_grad_()};
      const Tensor dy = torch::randn({3, 11, outputs}).to(gpu->device);
      const Autocast autocast(precision, gpu->device);
      REQUIRE(modules::gpu_projection_fits(leaves[0]));
      const int64_t before = launches(gpu->device, "column_sums");
      const auto found = gradients(
          leaves, dy, [](const std::vector<Tensor>& of) { return modules::gpu_projection(of[0], of[1], of[2]); });
      CHECK(launches(gpu->device, "column_sums") == before + 1);
      const auto exact = [](const std::vector<Tensor>& of) { return torch::linear(of[0], of[1], of[2]); };
      CHECK(worst(modules::gpu_projection(leaves[0], leaves[1], leaves[2]), exact(exactly(leaves)).detach()) < step);
      check_close(found, gradients(exactly(leaves), wide(dy), exact), step);
    }
  }
}

TEST_CASE("a layer scale in 16 bits has LibTorch's values bit for bit, and its gradients") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const auto narrow : {torch::kFloat16, torch::kBFloat16}) {
    for (const int64_t channels : {1, 3, 6, 16, 40}) {
      CAPTURE(channels, narrow);
      torch::manual_seed(23);
      Tensor x = torch::randn({2, 5, 7, channels}).to(narrow);
      x[1][2][3][0] = 1e-6;
      const std::vector<Tensor> leaves = {x.to(gpu->device).requires_grad_(),
                                          torch::randn({channels}).to(gpu->device).requires_grad_()};
      const Tensor dy = torch::randn({2, 5, 7, channels}).to(gpu->device);
      const Autocast autocast(narrow == torch::kFloat16 ? Precision::float16 : Precision::bfloat16, gpu->device);
      REQUIRE(modules::gpu_layer_scale_fits(leaves[0], leaves[1]));
      const int64_t before = launches(gpu->device, "layer_scale");
      const Tensor y = modules::gpu_layer_scale(leaves[0], leaves[1]);
      CHECK(y.cpu().equal((leaves[0] * leaves[1]).cpu()));
      const auto found =
          gradients(leaves, dy, [](const std::vector<Tensor>& of) { return modules::gpu_layer_scale(of[0], of[1]); });
      CHECK(launches(gpu->device, "layer_scale") == before + 3);
      const auto exact = [](const std::vector<Tensor>& of) { return of[0] * of[1]; };
      check_close(found, gradients(exactly(leaves), wide(dy), exact), rounding(narrow));
    }
  }
}

TEST_CASE("projections and layer scales are LibTorch's in float32 and without kernels; NaN stays in its channel") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const Tensor x = torch::randn({4, 8}, gpu->device), scale = torch::ones({8}, gpu->device);
  CHECK_FALSE(modules::gpu_projection_fits(x));
  CHECK_FALSE(modules::gpu_layer_scale_fits(x, scale));
  const Autocast autocast(Precision::float16, gpu->device);
  Tensor narrow = x.to(torch::kFloat16);
  CHECK(modules::gpu_layer_scale_fits(narrow, scale));
  CHECK_FALSE(modules::gpu_layer_scale_fits(x, scale));
  narrow.select(0, 2).select(0, 5).fill_(std::numeric_limits<float>::quiet_NaN());
  const Tensor leaf = scale.clone().requires_grad_();
  const Tensor y = modules::gpu_layer_scale(narrow, leaf);
  const Tensor d_scale = torch::autograd::grad({y}, {leaf}, {torch::ones_like(y)})[0].cpu();
  CHECK(y.cpu().isnan().sum().item<int64_t>() == 1);
  CHECK(d_scale.isnan().sum().item<int64_t>() == 1);
  CHECK(d_scale.isnan()[5].item<bool>());
  const WithoutKernels without;
  CHECK_FALSE(modules::gpu_projection_fits(x));
  CHECK_FALSE(modules::gpu_layer_scale_fits(narrow, scale));
}
