// What the nodes of a linear map with norms have in common, whoever computes it (linear_node.cpp, gpu_linear.cpp): what
// they save, and the derivative that can be differentiated itself.
#pragma once

#include "optdnn/execution/linear_node.h"
#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/linear_map.h"

namespace optdnn::execution {

using torch::autograd::variable_list;

// A function of the map's inputs, the learned weights, and the weights and biases of the norms: the map's outputs, then
// the normed ones.
class LinearFunction : public kernels::Differentiable {
 public:
  LinearFunction(std::shared_ptr<const kernels::LinearMap> map, std::vector<NormedOutput> normed)
      : map_(std::move(map)), normed_(std::move(normed)) {}

  // Adds to the outputs' gradients what comes through their norms. Returns the gradients of the map's inputs, then
  // those of the learned weights and of the norms' weights.
  variable_list differentiable_backward(const variable_list& packed, variable_list gradients) const override;

 protected:
  struct Saved {
    variable_list inputs;  // those that are kept
    variable_list learned;
    struct Norm {
      torch::Tensor x, weight, bias;
    };
    std::vector<Norm> norms;
  };
  Saved unpack(const variable_list& saved) const;

  // To be called in the forward pass.
  void gradients_lie_as(const torch::Tensor& input);
  void as_inputs_lie(variable_list& gradients) const;

  std::shared_ptr<const kernels::LinearMap> map_;
  std::vector<NormedOutput> normed_;

 private:
  std::vector<int64_t> sizes_, strides_;
  torch::TensorOptions options_;
};

// All values by LibTorch's operators.
variable_list by_operators(const kernels::Combinations& combinations, const variable_list& inputs,
                           at::TensorList learned);

}  // namespace optdnn::execution
