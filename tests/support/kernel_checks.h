// The project's kernels on a device against LibTorch's operators on the CPU in double precision.
#pragma once

#include "optdnn/kernels/launcher.h"
#include "optdnn/modules/gpu_batch_norm_relu.h"
#include "optdnn/modules/vision_layers.h"
#include "optdnn/training/precision.h"
#include "support/catch.h"
#include "support/error_table.h"

namespace optdnn::tests {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

// Half a step of the type, relative, and what float32 sums add to it.
inline double rounding(torch::Dtype type) {
  return type == torch::kFloat16 ? 6e-4 : type == torch::kBFloat16 ? 5e-3 : 2e-5;
}

// While it lives, LibTorch's operators run.
struct WithoutKernels {
  WithoutKernels() { kernels::use_launchers(false); }
  ~WithoutKernels() { kernels::use_launchers(true); }
  WithoutKernels(const WithoutKernels&) = delete;
  WithoutKernels& operator=(const WithoutKernels&) = delete;
};

// What `does` gives by LibTorch's operators.
template <class Does>
auto without_kernels(Does does) {
  const WithoutKernels without;
  return does();
}

struct NormProblem {
  int64_t batch, channels, px;
  torch::Dtype type = torch::kFloat32;
  double mean = 0.3;
};

inline std::string text(const NormProblem& p) {
  return c10::str(p.batch, " x ", p.channels, " x ", p.px, " x ", p.px, " ", p.type, ", mean ", p.mean);
}

struct NormTensors {
  NormTensors(const NormProblem& p, const torch::Device& device) {
    torch::manual_seed(11);
    const auto image = [&] {
      return torch::randn({p.batch, p.channels, p.px, p.px}).contiguous(at::MemoryFormat::ChannelsLast);
    };
    x = (image() * 1.5 + p.mean).to(device, p.type).requires_grad_();
    dy = image().to(device, p.type);
    norm.weight = (torch::rand({p.channels}) + 0.5).to(device).requires_grad_();
    norm.bias = torch::randn({p.channels}).to(device).requires_grad_();
    norm.running_mean = torch::randn({p.channels}).to(device);
    norm.running_var = (torch::rand({p.channels}) + 0.5).to(device);
    norm.training = true;
    norm.momentum = 0.1;
    norm.epsilon = 1e-5;
  }
  torch::Tensor x, dy;
  modules::BatchNorm norm;
};

inline torch::Tensor wide(const torch::Tensor& tensor) { return tensor.detach().cpu().to(torch::kFloat64); }

inline double worst(const torch::Tensor& found, const torch::Tensor& wanted) {
  return ErrorTable::global().note(found.scalar_type(),
                                   ((wide(found) - wanted) / (1 + wanted.abs())).abs().max().item<double>());
}

// How many kernels were started, of those whose names begin so.
inline int64_t launches(const torch::Device& device, std::string_view kernel = "") {
  int64_t all = 0;
  for (const auto& [name, times] : kernels::launches(device)) all += name.starts_with(kernel) ? times : 0;
  return all;
}

// Values, running statistics and gradients; and that it was the kernels that ran.
inline void check_batch_norm_relu(const NormProblem& p, const torch::Device& device) {
  CAPTURE(text(p));
  NormTensors on(p, device);
  REQUIRE(modules::gpu_batch_norm_relu_fits(on.x, on.norm));
  const int64_t before = launches(device);
  const torch::Tensor exact_mean = wide(on.norm.running_mean), exact_var = wide(on.norm.running_var);

  const torch::Tensor x = wide(on.x).requires_grad_(), weight = wide(on.norm.weight).requires_grad_(),
                      bias = wide(on.norm.bias).requires_grad_();
  const torch::Tensor z =
      torch::batch_norm(x, weight, bias, exact_mean, exact_var, true, on.norm.momentum, on.norm.epsilon, false);
  const torch::Tensor clear = z.detach().abs().gt(1e-3).to(torch::kFloat64);  // of relu's kink
  on.dy = (wide(on.dy) * clear).to(device, p.type);
  const auto wanted = torch::autograd::grad({z.relu()}, {x, weight, bias}, {wide(on.dy)});

  const torch::Tensor y = modules::batch_norm_relu(on.x, on.norm);
  CHECK(y.scalar_type() == p.type);
  CHECK(y.is_contiguous(at::MemoryFormat::ChannelsLast));
  const auto found = torch::autograd::grad({y}, {on.x, on.norm.weight, on.norm.bias}, {on.dy});
  CHECK(launches(device) - before == 4);

  const double step = rounding(p.type), sums = 3e-5 * std::sqrt(static_cast<double>(x.numel() / p.channels));
  CHECK(worst(y, z.detach().relu()) < step);
  CHECK(worst(on.norm.running_mean, exact_mean) < 1e-5);
  CHECK(worst(on.norm.running_var, exact_var) < 1e-4);
  CHECK(worst(wide(found[0]) * clear, wanted[0] * clear) < step);
  CHECK((wide(found[1]) - wanted[1]).abs().max().item<double>() < sums + 2e-2);
  CHECK((wide(found[2]) - wanted[2]).abs().max().item<double>() < sums + 2e-2);
}

struct LayerNormProblem {
  int64_t rows, channels;
  torch::Dtype from, narrow;  // x's type, and autocast's
  modules::NormReader reader = modules::NormReader::product;
};

// Values and gradients; and that it was the kernels that ran.
inline void check_layer_norm(const LayerNormProblem& p, const torch::Device& device) {
  CAPTURE(p.rows, p.channels, p.from, p.narrow);
  torch::manual_seed(13);
  const training::Autocast autocast(
      p.narrow == torch::kFloat16 ? training::Precision::float16 : training::Precision::bfloat16, device);
  const torch::Dtype to = p.reader == modules::NormReader::product ? p.narrow : torch::kFloat32;
  const torch::Tensor x = (torch::randn({p.rows, p.channels}) * 1.5 + 20).to(device, p.from).requires_grad_();
  const torch::Tensor dy = torch::randn({p.rows, p.channels}).to(device, to);
  modules::LastNorm norm(p.channels);
  norm->weight.data().uniform_(0.5, 1.5);
  norm->bias.data().normal_();
  norm->to(device);
  REQUIRE(modules::gpu_layer_norm_fits(x, norm->weight, norm->bias, to));
  const int64_t before = launches(device);
  const torch::Tensor y = norm->forward(x, p.reader);
  const auto found = torch::autograd::grad({y}, {x, norm->weight, norm->bias}, {dy});
  CHECK(launches(device) - before == 3);
  CHECK(y.scalar_type() == to);
  CHECK(found[0].scalar_type() == p.from);

  const torch::Tensor exact_x = wide(x).requires_grad_(), weight = wide(norm->weight).requires_grad_(),
                      bias = wide(norm->bias).requires_grad_();
  const torch::Tensor exact = torch::layer_norm(exact_x, {p.channels}, weight, bias, 1e-6);
  const auto wanted = torch::autograd::grad({exact}, {exact_x, weight, bias}, {wide(dy)});
  CHECK(worst(y, exact.detach()) < rounding(to));
  CHECK(worst(found[0], wanted[0]) < rounding(p.from));
  const double sums = 1e-4 * std::sqrt(static_cast<double>(p.rows));
  CHECK(worst(found[1], wanted[1]) < sums);
  CHECK(worst(found[2], wanted[2]) < sums);
}

}  // namespace optdnn::tests
