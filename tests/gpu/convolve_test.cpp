// Convolutions of few channels in 16 bits by the project's kernels, against LibTorch's in double precision. Also for
// the make-believe device.
#include "optdnn/kernels/gpu/convolve.h"
#include "optdnn/kernels/gpu_convolve.h"
#include "optdnn/modules/convolve.h"
#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using torch::Tensor;

namespace {

struct ConvolutionProblem {
  int64_t images, inputs, outputs, height, width;
};

std::string text(const ConvolutionProblem& p) {
  return c10::str(p.images, " x ", p.inputs, " -> ", p.outputs, ", ", p.height, " x ", p.width);
}

struct ConvolutionTensors {
  ConvolutionTensors(const ConvolutionProblem& p, const torch::Device& device, torch::Dtype type) {
    torch::manual_seed(3);
    const auto made = [&](at::IntArrayRef sizes, double scale) {
      return (torch::randn(sizes) * scale).contiguous(kChannelsLast).to(device, type);
    };
    x = made({p.images, p.inputs, p.height, p.width}, 1.0).requires_grad_();
    dy = made({p.images, p.outputs, p.height, p.width}, 1.0);
    weight = made({p.outputs, p.inputs, 3, 3}, 0.1).requires_grad_();
  }
  Tensor x, dy, weight;
};

std::vector<Tensor> result_of(const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& dy) {
  const auto gradients = torch::autograd::grad({y}, {x, weight}, {dy});
  return {y.detach(), gradients[0], gradients[1]};
}

Tensor by_libtorch(const Tensor& x, const Tensor& weight) { return torch::conv2d(x, weight, {}, 1, 1); }

double relative(const Tensor& found, const Tensor& wanted) {
  return ErrorTable::global().note(found.scalar_type(), ((wide(found) - wanted).norm() / wanted.norm()).item<double>());
}

// Values and gradients; and that it was the kernels that ran.
void check_convolution(const ConvolutionProblem& p, const torch::Device& device, torch::Dtype type) {
  CAPTURE(text(p), type);
  ConvolutionTensors on(p, device, type);
  REQUIRE(kernels::gpu_convolve_fits(on.x, on.weight, 1));
  const int64_t before = launches(device);
  const Tensor y = modules::convolve(on.x, on.weight, 1, kernels::Convolutions::fast);
  CHECK(y.scalar_type() == type);
  CHECK(y.is_contiguous(kChannelsLast));
  const auto found = result_of(y, on.x, on.weight, on.dy);
  CHECK(launches(device) - before == 4);  // y, its gradients of x and of the weights, whose sums are added up

  const Tensor x = wide(on.x).requires_grad_(), weight = wide(on.weight).requires_grad_();
  const auto wanted = result_of(by_libtorch(x, weight), x, weight, wide(on.dy));
  for (size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(i);
    CHECK(relative(found[i], wanted[i]) < rounding(type));
  }
}

}  // namespace

TEST_CASE("convolutions of few channels on a GPU give LibTorch's numbers and gradients, of any image size") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  for (const ConvolutionProblem& p :
       std::vector<ConvolutionProblem>{{1, 8, 8, 3, 13}, {2, 16, 16, 8, 8}, {1, 24, 8, 9, 5}, {1, 16, 64, 4, 4}})
    check_convolution(p, gpu->device, torch::kFloat16);
  check_convolution({2, 8, 24, 5, 3}, gpu->device, torch::kBFloat16);
  check_convolution({26, 8, 8, 3, 2}, gpu->device, torch::kFloat16);  // blocks take several tiles
}

TEST_CASE("whole networks' convolutions on a GPU give LibTorch's numbers") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu || !gpu->device.is_cuda()) return;  // too much to emulate
  for (const ConvolutionProblem& p : std::vector<ConvolutionProblem>{{128, 16, 16, 32, 32},
                                                                     {128, 32, 32, 16, 16},
                                                                     {128, 64, 64, 8, 8},
                                                                     {50, 64, 24, 31, 33},
                                                                     {128, 8, 8, 32, 32},
                                                                     {77, 40, 56, 7, 19}})
    check_convolution(p, gpu->device, torch::kFloat16);
}

TEST_CASE("a pixel that is no number spoils what reads it on a GPU, and nothing else") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  ConvolutionTensors on({1, 8, 8, 9, 9}, gpu->device, torch::kFloat16);
  const Tensor x = on.x.detach().clone();
  x.select(2, 4).select(2, 4).fill_(std::numeric_limits<float>::quiet_NaN());
  const Tensor spoiled = kernels::gpu_convolve(x, on.weight).cpu().isnan().all(1).squeeze(0);
  CHECK(spoiled.sum().item<int64_t>() == 9);
  CHECK(spoiled.narrow(0, 3, 3).narrow(1, 3, 3).all().item<bool>());
}

TEST_CASE("convolutions on a GPU are differentiable twice, and refuse what they cannot take") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  ConvolutionTensors on({1, 8, 8, 4, 4}, gpu->device, torch::kFloat16);
  const auto twice = [&](const Tensor& y) {
    const Tensor dx = torch::autograd::grad({y}, {on.x}, {on.dy}, true, true).front();
    return torch::autograd::grad({dx.square().sum()}, {on.weight}).front();
  };
  CHECK(relative(twice(kernels::gpu_convolve(on.x, on.weight)), wide(twice(by_libtorch(on.x, on.weight)))) < 2e-3);

  const auto fits = [&](const Tensor& x, const Tensor& weight, int64_t stride = 1) {
    return kernels::gpu_convolve_fits(x, weight, stride);
  };
  CHECK(fits(on.x, on.weight));
  CHECK_FALSE(fits(on.x, on.weight, 2));
  CHECK_FALSE(fits(on.x.to(torch::kFloat32), on.weight.to(torch::kFloat32)));
  CHECK_FALSE(fits(on.x.contiguous(at::MemoryFormat::Contiguous), on.weight));
  CHECK_FALSE(fits(on.x, on.weight.narrow(2, 0, 1)));
  ConvolutionTensors odd({1, 12, 8, 4, 4}, gpu->device, torch::kFloat16);
  CHECK_FALSE(fits(odd.x, odd.weight));
  ConvolutionTensors many({1, 128, 8, 4, 4}, gpu->device, torch::kFloat16);
  CHECK_FALSE(fits(many.x, many.weight));
  CHECK_FALSE(fits(on.x.cpu(), on.weight.cpu()));
}
