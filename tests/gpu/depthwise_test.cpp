// Depthwise convolution in 16 bits on a GPU: values and gradients beside LibTorch's in double precision.
#include "optdnn/modules/depthwise.h"

#include "optdnn/kernels/gpu/depthwise.h"
#include "optdnn/kernels/gpu_depthwise.h"
#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using torch::Tensor;
using training::Autocast, training::Precision;

namespace {

struct Depthwise {
  Depthwise(int64_t kernel_px, const torch::Device& device) : kernel_px_(kernel_px) {
    torch::manual_seed(17);
    x = torch::randn({2, 5, 9, 6}).contiguous(at::MemoryFormat::ChannelsLast).to(device).requires_grad_();
    weight = torch::randn({5, 1, kernel_px, kernel_px}).mul(0.2).to(device).requires_grad_();
    bias = torch::randn({5}).to(device).requires_grad_();
    dy = torch::randn({2, 5, 9, 6}).to(device);
  }
  Tensor exact(const Tensor& of, const Tensor& by, const Tensor& plus) const {
    return torch::conv2d(of, by, plus, 1, kernel_px_ / 2, 1, 5);
  }
  bool fits() const { return modules::is_gpu_depthwise(x, weight, 1, kernel_px_ / 2, 5); }
  Tensor x, weight, bias, dy;

 private:
  int64_t kernel_px_;
};

}  // namespace

TEST_CASE("a depthwise convolution in 16 bits has the gradients of LibTorch's, and they have theirs") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const int64_t kernel_px : {1, 3, 7}) {
    CAPTURE(kernel_px);
    const Depthwise on(kernel_px, gpu->device);
    const Autocast autocast(Precision::float16, gpu->device);
    REQUIRE(on.fits());
    const Tensor y = modules::gpu_depthwise(on.x, on.weight, on.bias);
    CHECK(y.scalar_type() == torch::kFloat16);
    const Tensor x = wide(on.x).requires_grad_(), weight = wide(on.weight).requires_grad_(),
                 bias = wide(on.bias).requires_grad_(), exact = on.exact(x, weight, bias);
    CHECK(worst(y, exact.detach()) < 3e-3);
    const auto found = torch::autograd::grad({y}, {on.x, on.weight, on.bias}, {on.dy.to(y.scalar_type())}, true, true);
    const auto wanted = torch::autograd::grad({exact}, {x, weight, bias}, {wide(on.dy)}, true, true);
    const auto once = torch::autograd::grad({y}, {on.x, on.weight, on.bias}, {on.dy.to(y.scalar_type())}, true);
    for (size_t i = 0; i < found.size(); ++i) {
      CHECK(worst(once[i], wanted[i].detach()) < 5e-3);
      CHECK(worst(found[i], wanted[i].detach()) < 5e-3);
    }
    const auto again = torch::autograd::grad({found[0].pow(2).sum()}, {on.weight});
    const auto wanted_again = torch::autograd::grad({wanted[0].pow(2).sum()}, {weight});
    CHECK(worst(again[0], wanted_again[0]) < 2e-2);
  }
}

TEST_CASE("only depthwise convolutions of stride 1 in 16 bits on a GPU are made so") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const Depthwise on(3, gpu->device);
  CHECK_FALSE(on.fits());  // float32
  CHECK_FALSE(Depthwise(3, torch::kCPU).fits());
  const Autocast autocast(Precision::float16, gpu->device);
  CHECK(on.fits());
  CHECK_FALSE(Depthwise(3, torch::kCPU).fits());
  CHECK_FALSE(modules::is_gpu_depthwise(on.x, on.weight, 2, 1, 5));
  CHECK_FALSE(modules::is_gpu_depthwise(on.x, on.weight, 1, 0, 5));
  CHECK_FALSE(modules::is_gpu_depthwise(on.x, torch::randn({5, 5, 3, 3}), 1, 1, 1));
}

namespace {

struct Filtered {
  std::vector<int64_t> sizes;  // of x: images, channels, height, width
  int64_t kernel_px;
  torch::Dtype type;
};

void check_by_kernels(const Filtered& p, const torch::Device& device) {
  CAPTURE(p.sizes, p.kernel_px, p.type);
  torch::manual_seed(19);
  const int64_t channels = p.sizes[1];
  const auto image = [&] {
    return torch::randn(p.sizes).to(device, p.type).contiguous(at::MemoryFormat::ChannelsLast);
  };
  const Tensor x = image().requires_grad_(), dy = image();
  const Tensor weight =
      torch::randn({channels, 1, p.kernel_px, p.kernel_px}).mul(0.2).to(device, p.type).requires_grad_();
  const Tensor bias = torch::randn({channels}).to(device, p.type).requires_grad_();
  REQUIRE(modules::is_gpu_depthwise(x, weight, 1, p.kernel_px / 2, channels));
  const int64_t before = launches(device, "depthwise");
  const Tensor y = modules::gpu_depthwise(x, weight, bias);
  const auto found = torch::autograd::grad({y}, {x, weight, bias}, {dy});
  CHECK(launches(device, "depthwise") == before + 4);
  CHECK(y.is_contiguous(at::MemoryFormat::ChannelsLast));
  CHECK(found[0].is_contiguous(at::MemoryFormat::ChannelsLast));

  const Tensor exact_x = wide(x).requires_grad_(), exact_weight = wide(weight).requires_grad_(),
               exact_bias = wide(bias).requires_grad_();
  const Tensor exact = torch::conv2d(exact_x, exact_weight, exact_bias, 1, p.kernel_px / 2, 1, channels);
  const auto wanted = torch::autograd::grad({exact}, {exact_x, exact_weight, exact_bias}, {wide(dy)});
  CHECK(worst(y, exact.detach()) < rounding(p.type));
  for (size_t i = 0; i < found.size(); ++i) CHECK(worst(found[i], wanted[i]) < rounding(p.type));
}

}  // namespace

TEST_CASE("kernels filter each channel by itself, values and gradients, in both 16-bit types and images of any size") {
  const auto gpu = accelerator(kernels::gpu::kDepthwiseThreads);
  if (!gpu) return;
  check_by_kernels({{2, 32, 14, 14}, 7, torch::kFloat16}, gpu->device);
  check_by_kernels({{3, 40, 17, 29}, 7, torch::kBFloat16}, gpu->device);
  check_by_kernels({{5, 8, 7, 7}, 7, torch::kFloat16}, gpu->device);
  check_by_kernels({{1, 8, 1, 3}, 7, torch::kFloat16}, gpu->device);
  check_by_kernels({{2, 72, 5, 15}, 5, torch::kFloat16}, gpu->device);
  check_by_kernels({{2, 16, 30, 9}, 3, torch::kFloat16}, gpu->device);
}

TEST_CASE("a bias of another type is none for the kernels") {
  const auto gpu = accelerator(kernels::gpu::kDepthwiseThreads);
  if (!gpu) return;
  const Tensor x =
      torch::ones({1, 8, 4, 4}).to(gpu->device, torch::kFloat16).contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor weight = torch::ones({8, 1, 3, 3}).to(x), bias = torch::ones({16}).to(x);
  CHECK(kernels::gpu_depthwise_fits(x, weight, bias.slice(0, 0, 8)));
  CHECK_FALSE(kernels::gpu_depthwise_fits(x, weight, bias.to(torch::kFloat32).slice(0, 0, 8)));
  CHECK_FALSE(kernels::gpu_depthwise_fits(x, weight, bias.slice(0, 0, 16, 2)));
  CHECK_FALSE(kernels::gpu_depthwise_fits(x, weight, bias.slice(0, 1, 9)));
}

TEST_CASE("a number that is not finite reaches what is filtered from it, and no more") {
  const auto gpu = accelerator(kernels::gpu::kDepthwiseThreads);
  if (!gpu) return;
  const auto filled = [&](torch::IntArrayRef sizes) {
    return torch::full(sizes, 0.5).to(gpu->device, torch::kFloat16).contiguous(at::MemoryFormat::ChannelsLast);
  };
  Tensor x = torch::full({1, 8, 20, 20}, 0.5);
  x[0][3][10][10] = std::numeric_limits<float>::quiet_NaN();
  x = x.to(gpu->device, torch::kFloat16).contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor y = modules::gpu_depthwise(x, filled({8, 1, 7, 7}), filled({8, 1, 1, 1}).view({8}));
  CHECK(y.isnan().sum().item<int64_t>() == 49);
  CHECK(wide(y)[0][3].slice(0, 7, 14).slice(1, 7, 14).isnan().all().item<bool>());
}
