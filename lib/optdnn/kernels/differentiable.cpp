#include "optdnn/kernels/differentiable.h"

namespace optdnn::kernels {

namespace {

using torch::autograd::AutogradContext;

struct DifferentiableNode : torch::autograd::Function<DifferentiableNode> {
  static variable_list forward(AutogradContext* context, const c10::intrusive_ptr<Differentiable>& function,
                               at::TensorList inputs) {
    variable_list saved;
    variable_list outputs = function->forward(inputs, saved);
    context->set_materialize_grads(!function->takes_undefined());
    context->save_for_backward(std::move(saved));
    context->saved_data["function"] = torch::IValue::make_capsule(function);
    return outputs;
  }

  // LibTorch's own handles of the gradients are taken, so that a function can tell whether someone else has one.
  static variable_list backward(AutogradContext* context, variable_list& gradients) {
    const auto function =
        c10::static_intrusive_pointer_cast<Differentiable>(context->saved_data["function"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    variable_list found = torch::GradMode::is_enabled() ? function->differentiable_backward(saved, std::move(gradients))
                                                        : function->backward(saved, std::move(gradients));
    found.insert(found.begin(), torch::Tensor());  // of the function
    return found;
  }
};

}  // namespace

variable_list apply(const c10::intrusive_ptr<Differentiable>& function, const variable_list& inputs) {
  return DifferentiableNode::apply(function, at::TensorList(inputs));
}

}  // namespace optdnn::kernels
