// Number types of a network and of its forward pass.
#pragma once

#include <torch/torch.h>

#include <functional>

#include "optdnn/training/train_spec.h"

namespace optdnn::training {

// Errors: ConfigError for float16 without a GPU.
void check_precision(Precision precision, const torch::Device& device);

// Sets how the GPU's libraries compute: whether they round float32 products, look for the fastest convolution, or keep
// to kernels that give the same bits again. Nothing for a CPU.
void set_gpu_kernels(const TrainSpec& spec, const torch::Device& device);

// The type weights and inputs are kept in: float64, or float32.
torch::Dtype storage_type(Precision precision);

// The 16-bit type of products, if they have one.
std::optional<torch::Dtype> product_type(Precision precision);

// forward(), a network's forward pass, with what is to be done around it; as modules::NarrowWeights has copies of the
// weights made.
using ForwardPass = std::function<torch::Tensor()>;
using AroundForward = std::function<torch::Tensor(const torch::Device& device, const ForwardPass& forward)>;

// The network's outputs for x, in the precision. `around`: what is done around it, or empty.
torch::Tensor forward_pass(torch::nn::AnyModule& network, const torch::Tensor& x, Precision precision,
                           const torch::Device& device, const AroundForward& around = {});

// Moves parameters and buffers to the device and the storage type, in place; with `channels_last` also every
// four-dimensional parameter to that memory format.
void prepare_network(torch::nn::Module& module, const torch::Device& device, Precision precision, bool channels_last);

// Inputs likewise; channels_last concerns images alone.
torch::Tensor prepared(const torch::Tensor& tensor, const torch::Device& device, Precision precision,
                       bool channels_last = false);

// While it lives, forward passes run in 16 bits if the precision says so. Not for backward passes.
class Autocast {
 public:
  Autocast(Precision precision, const torch::Device& device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  torch::DeviceType device_;
  bool was_enabled_ = false;
  torch::Dtype previous_type_;
};

}  // namespace optdnn::training
