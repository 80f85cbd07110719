// Depthwise convolution in 16 bits on a GPU: values and gradients beside LibTorch's in double precision.
#include "optdnn/modules/depthwise.h"

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
