// T: a learnable stand-in for minus the scaled gradient, containing a two-layer network W2 s(W1 .).
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <optional>

#include "optdnn/modules/batch_norm_relu.h"

namespace optdnn::modules {

using Function = std::function<torch::Tensor(const torch::Tensor&)>;

// Where the steps of a stage stand among all steps of the network.
struct Steps {
  int64_t first = 0, total = 1;
  // 0 at the network's first step, 1 at its last.
  double share(int64_t step_of_stage) const {
    return total > 1 ? static_cast<double>(first + step_of_stage) / static_cast<double>(total - 1) : 0.0;
  }
};

class Module : public torch::nn::Module {
 public:
  // Shapes: the same as x. `step` counts the uses of shared weights, which keep their batch statistics apart.
  virtual torch::Tensor forward(const torch::Tensor& x, int64_t step) = 0;

  // T at one step, to be evaluated many times: what depends on the weights alone is computed once. Requires that the
  // module outlives it.
  virtual Function at_step(int64_t step) {
    return [this, step](const torch::Tensor& x) { return forward(x, step); };
  }

  // Where T(x) begins with relu(batch norm(x)): that norm, which can then be fused with the combination that makes x,
  // and the rest of T, which is called only where there is such a norm and may make it itself.
  virtual std::optional<BatchNorm> first_norm(int64_t /*step*/) { return std::nullopt; }
  virtual torch::Tensor after_first_norm(const NormedRelu& normed, int64_t /*step*/) { return normed.made(); }

  // The weights (and bias) of the layer that ends T; `init.scale` multiplies them.
  virtual std::vector<torch::Tensor> last_layer() = 0;
};

}  // namespace optdnn::modules
