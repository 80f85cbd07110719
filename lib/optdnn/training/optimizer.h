// Weight optimizers on LibTorch's fused kernels, which update a whole list of tensors in one pass.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <optional>

#include "optdnn/training/optimizer_spec.h"
#include "optdnn/training/safetensors.h"

namespace optdnn::training {

// What changes a step. All are float32 scalars on the parameters' device.
struct StepControl {
  std::optional<torch::Tensor> divide = {};         // gradients are divided by this
  std::optional<torch::Tensor> skip = {};           // where this is 1, weights and state stay as they are
  std::optional<torch::Tensor> learning_rate = {};  // takes the number's place
};

struct StepRule;

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update. Parameters without a gradient are left alone.
  virtual void step(double learning_rate, const StepControl& control = {}) = 0;

  // What step() computes, as numbers; nothing where it is more than that.
  virtual std::optional<StepRule> rule() const;

  // By name, sharing memory with the optimizer: what a checkpoint keeps, and what is filled to restore it.
  virtual TensorMap state() const = 0;
};

// The parameters by name, in a fixed order.
using NamedParameters = std::vector<std::pair<std::string, torch::Tensor>>;
NamedParameters trainable_parameters(const torch::nn::Module& module);

// `stacked`: parameters have a leading run dimension, which is none of the two that make a weight (see DecayOn).
std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec, const NamedParameters& parameters,
                                          bool stacked = false);
const GroupSpecs& groups_of(const OptimizerSpec& spec);
double peak_learning_rate(const OptimizerSpec& spec);

}  // namespace optdnn::training
