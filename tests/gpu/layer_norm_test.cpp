// Layer norm in 16 bits on a GPU, by kernels, against LibTorch's operators; wide rows and several threads of the
// make-believe device: mock/kernels_test.cpp.
#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using modules::NormReader;
using torch::Tensor;
using training::Autocast, training::Precision;

TEST_CASE("kernels of layer norm give the operators' numbers, from either type to either, for odd channels too") {
  const auto gpu = accelerator();
  if (!gpu) return;
  // Of two numbers the gradient is what cancels.
  std::vector<int64_t> widths = {3, 5, 7, 8, 16, 24, 32};
  if (gpu->device.is_cuda()) widths.insert(widths.end(), {96, 192, 384, 768, 1024, 40, 101, 255});
  for (const auto narrow : {torch::kFloat16, torch::kBFloat16}) {
    for (const int64_t channels : widths) {
      check_layer_norm({37, channels, narrow, narrow}, gpu->device);
      check_layer_norm({130, channels, torch::kFloat32, narrow}, gpu->device);
      check_layer_norm({1, channels, narrow, narrow, NormReader::state}, gpu->device);
    }
  }
}

TEST_CASE("kernels of layer norm keep NaN in its row, and take rows that are constant") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const Autocast autocast(Precision::float16, gpu->device);
  modules::LastNorm norm(16);
  norm->to(gpu->device);
  Tensor x = torch::randn({5, 16}).to(torch::kFloat16);
  x[2][3] = std::numeric_limits<float>::quiet_NaN();
  x[4].fill_(7.0);
  x = x.to(gpu->device);
  REQUIRE(modules::gpu_layer_norm_fits(x, norm->weight, norm->bias, torch::kFloat16));
  const Tensor y = norm->forward(x, NormReader::product).cpu();
  CHECK(y[2].isnan().all().item<bool>());
  CHECK(y.isnan().sum().item<int64_t>() == 16);
  CHECK(y[4].abs().max().item<double>() == 0.0);
}

TEST_CASE("layer norm is the operator's in float32, without kernels, and where they do not fit") {
  const auto gpu = accelerator();
  if (!gpu) return;
  modules::LastNorm norm(16);
  norm->to(gpu->device);
  const Tensor x = torch::randn({3, 16}, gpu->device);
  const auto fits = [&](const Tensor& of, torch::Dtype to) {
    return modules::gpu_layer_norm_fits(of, norm->weight, norm->bias, to);
  };
  CHECK(modules::normed_type(x, NormReader::product) == torch::kFloat32);
  CHECK_FALSE(fits(x, torch::kFloat32));
  const Autocast autocast(Precision::float16, gpu->device);
  CHECK(modules::normed_type(x, NormReader::product) == torch::kFloat16);
  CHECK(modules::normed_type(x, NormReader::state) == torch::kFloat32);
  CHECK(fits(x, torch::kFloat16));
  CHECK_FALSE(fits(x, torch::kFloat32));
  CHECK_FALSE(fits(x.to(torch::kFloat64), torch::kFloat16));
  CHECK_FALSE(fits(torch::randn({16, 16}, gpu->device).t(), torch::kFloat16));
  const Tensor by_kernels = norm->forward(x, NormReader::product);
  const WithoutKernels without;
  CHECK_FALSE(fits(x, torch::kFloat16));
  const Tensor by_operators = norm->forward(x, NormReader::product);
  CHECK(by_operators.scalar_type() == torch::kFloat32);
  CHECK(worst(by_kernels, wide(by_operators)) < rounding(torch::kFloat16));
}

TEST_CASE("kernels of layer norm are differentiable twice") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const auto second = [&] {
    torch::manual_seed(3);
    modules::LastNorm norm(8);
    norm->weight.data().uniform_(0.5, 1.5);
    norm->to(gpu->device);
    const Tensor x = torch::randn({3, 8}).to(gpu->device).requires_grad_(), dy = torch::randn({3, 8}).to(gpu->device);
    const std::vector<Tensor> leaves = {x, norm->weight, norm->bias};
    const Tensor y = norm->forward(x, NormReader::product);
    const auto first = torch::autograd::grad({y}, leaves, {dy.to(y.scalar_type())}, true, true);
    return torch::autograd::grad({first[0].pow(2).sum() + first[1].pow(2).sum()}, leaves, {}, {}, false, true);
  };
  std::vector<Tensor> found;
  {
    const Autocast autocast(Precision::float16, gpu->device);
    found = second();
  }
  const auto wanted = second();
  for (size_t i = 0; i < found.size(); ++i) {
    if (wanted[i].defined()) CHECK(worst(found[i], wide(wanted[i])) < 2e-2);
  }
}
