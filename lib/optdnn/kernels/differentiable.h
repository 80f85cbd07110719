// A function of tensors with a derivative of its own, as one node of the autograd graph: what loops over plain memory
// have to say to LibTorch, and no more. Whoever writes such a function gives three passes; saving, unpacking and the
// graph are here.
//
//   struct Square : Differentiable {
//     variable_list forward(at::TensorList x, variable_list& saved) override { saved = {x[0]}; return {loop(x[0])}; }
//     ...
//   };
//   apply(c10::make_intrusive<Square>(), {x})
#pragma once

#include <torch/torch.h>

namespace optdnn::kernels {

using torch::autograd::variable_list;

class Differentiable : public torch::CustomClassHolder {
 public:
  // The outputs. What the backward pass needs of the inputs and outputs goes to `saved`.
  virtual variable_list forward(at::TensorList inputs, variable_list& saved) = 0;
  // The gradients of all inputs from those of the outputs, which are all defined unless it takes_undefined; of
  // the inputs, one that is not defined is zero.
  virtual variable_list backward(const variable_list& saved, variable_list gradients) const = 0;
  // Whether the backward passes take gradients that are not defined, which are zero.
  virtual bool takes_undefined() const { return false; }
  // The same by LibTorch's operators: called where the derivative of this derivative is wanted.
  virtual variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const = 0;
};

// The function's outputs, as one node. `function` is one use: its forward pass runs once.
variable_list apply(const c10::intrusive_ptr<Differentiable>& function, const variable_list& inputs);

}  // namespace optdnn::kernels
