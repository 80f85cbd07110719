#include "optdnn/training/precision.h"

#include <ATen/autocast_mode.h>

#include "optdnn/base/errors.h"
#include "optdnn/data/upload.h"

namespace optdnn::training {

void check_precision(Precision precision, const torch::Device& device) {
  if (precision == Precision::float16 && device.is_cpu()) {
    throw base::ConfigError("train.precision float16 needs a GPU", "use bfloat16 or float32 on the CPU");
  }
}

void set_gpu_kernels(const TrainSpec& spec, const torch::Device& device) {
  if (device.is_cpu()) return;
  at::Context& context = at::globalContext();
  const auto products = spec.precision == Precision::tf32 ? at::Float32Precision::TF32 : at::Float32Precision::IEEE;
  context.setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::CONV, products);
  context.setFloat32Precision(at::Float32Backend::CUDA, at::Float32Op::MATMUL, products);
  context.setBenchmarkCuDNN(!spec.deterministic);
  context.setDeterministicCuDNN(spec.deterministic);
  context.setDeterministicAlgorithms(spec.deterministic, /*warn_only=*/false);
}

torch::Dtype storage_type(Precision precision) {
  return precision == Precision::float64 ? torch::kFloat64 : torch::kFloat32;
}

std::optional<torch::Dtype> product_type(Precision precision) {
  if (precision == Precision::bfloat16) return torch::kBFloat16;
  return precision == Precision::float16 ? std::optional(torch::kFloat16) : std::nullopt;
}

torch::Tensor prepared(const torch::Tensor& tensor, const torch::Device& device, Precision precision,
                       bool channels_last) {
  const auto type = tensor.is_floating_point() ? storage_type(precision) : tensor.scalar_type();
  const auto format =
      channels_last && tensor.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Preserve;
  return data::upload(tensor, device).to(device, type, /*non_blocking=*/true, /*copy=*/false, format);
}

torch::Tensor forward_pass(torch::nn::AnyModule& network, const torch::Tensor& x, Precision precision,
                           const torch::Device& device, const AroundForward& around) {
  const Autocast autocast(precision, device);
  const auto forward = [&] { return network.forward<torch::Tensor>(x); };
  return around ? around(device, forward) : forward();
}

void prepare_network(torch::nn::Module& module, const torch::Device& device, Precision precision, bool channels_last) {
  const torch::NoGradGuard no_grad;
  for (torch::Tensor parameter : module.parameters())
    parameter.set_data(prepared(parameter, device, precision, channels_last));
  for (torch::Tensor buffer : module.buffers()) buffer.set_data(prepared(buffer, device, precision));
}

Autocast::Autocast(Precision precision, const torch::Device& device)
    : device_(device.type()),
      was_enabled_(at::autocast::is_autocast_enabled(device_)),
      previous_type_(at::autocast::get_autocast_dtype(device_)) {
  const auto type = product_type(precision);
  at::autocast::set_autocast_enabled(device_, type.has_value());
  at::autocast::set_autocast_dtype(device_, type.value_or(torch::kBFloat16));
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, previous_type_);
}

}  // namespace optdnn::training
