// A stage of small two-layer modules as one node of the autograd graph, whoever computes it (cpu_whole.cpp,
// gpu_whole.cpp): what it is given, and the derivative that can be differentiated itself.
#pragma once

#include "optdnn/execution/program.h"
#include "optdnn/kernels/differentiable.h"
#include "optdnn/modules/dense_two_layer.h"

namespace optdnn::execution {

using torch::autograd::variable_list;

// A program with its layers, each once: shared weights are those of many of its modules.
struct Layers {
  std::shared_ptr<const Program> program;  // whose modules are numbered as `each`
  std::vector<std::shared_ptr<modules::DenseTwoLayer>> each;
};

// The tensors the node is given, in one list: the inputs, four weights per layer, the learned weights.
struct Given {
  Given(const Layers& of, at::TensorList list) : layers(of), program(*of.program), tensors(list) {}
  const torch::Tensor& input(int i) const { return tensors[i]; }
  modules::TwoLayerWeights weights(size_t layer) const {
    const size_t first = program.inputs + 4 * layer;
    return {tensors[first], tensors[first + 1], tensors[first + 2], tensors[first + 3]};
  }
  at::TensorList learned() const { return tensors.slice(program.inputs + 4 * layers.each.size()); }
  int64_t runs() const { return input(0).dim() == 3 ? input(0).size(0) : 1; }
  int64_t samples() const { return input(0).size(-2); }
  int64_t width() const { return input(0).size(-1); }

  const Layers& layers;
  const Program& program;
  at::TensorList tensors;
};

class WholeStage : public kernels::Differentiable {
 public:
  explicit WholeStage(std::shared_ptr<const Layers> layers) : layers_(std::move(layers)) {}
  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override;

 protected:
  // What forward passes save: all they are given, then values_RVDN and hidden_RHN, samples innermost.
  static constexpr int kKept = 2;
  Given given(const variable_list& saved) const {
    return {*layers_, at::TensorList(saved.data(), saved.size() - kKept)};
  }

  std::shared_ptr<const Layers> layers_;
};

// On plain memory, in float32 or float64.
c10::intrusive_ptr<WholeStage> make_cpu_whole(std::shared_ptr<const Layers> layers);

}  // namespace optdnn::execution
