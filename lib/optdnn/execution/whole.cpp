// The executor `whole`: all steps of a stage of small two-layer modules as one node of the autograd graph, for networks
// so small that the operators' own overhead is most of their time.
#include <ATen/autocast_mode.h>

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/execution/executor.h"
#include "optdnn/execution/gpu_whole.h"
#include "optdnn/execution/linear_combination.h"
#include "optdnn/execution/whole_stage.h"
#include "optdnn/kernels/two_layer.h"

namespace optdnn::execution {

namespace {

using modules::Activation;
using modules::DenseTwoLayer;
using torch::Tensor;

// The outputs by LibTorch's operators.
variable_list by_operators(const Given& given) {
  variable_list values(given.tensors.begin(), given.tensors.begin() + given.program.inputs);
  for (const Operation& operation : given.program.operations) {
    if (const auto* call = std::get_if<Call>(&operation.what)) {
      values.push_back(given.layers.each[call->module]->evaluate(values[call->argument], given.weights(call->module)));
    } else {
      values.push_back(combine(std::get<Combine>(operation.what).terms, values, given.learned()));
    }
  }
  return pick(values, given.program.outputs);
}

class Whole : public Executor {
 public:
  explicit Whole(std::shared_ptr<const Layers> layers) : layers_(std::move(layers)), on_gpu_(layers_) {}

  std::string declines(const variable_list& inputs) const override {
    const Tensor weight = layers_->each.front()->last_layer().front();
    const auto type = weight.scalar_type();
    const torch::Device device = weight.device();
    if (device.is_cpu() && !torch::GradMode::is_enabled()) return "no gradients are wanted";
    if (at::autocast::is_autocast_enabled(device.type())) return "autocast is on";
    const bool alike = std::all_of(inputs.begin(), inputs.end(), [&](const Tensor& x) {
      return x.scalar_type() == type && x.device() == device && x.dim() == weight.dim();
    });
    if (!alike) return "states that are not vectors of the weights' type";
    if (!device.is_cpu()) return on_gpu_.declines(inputs);
    return type == torch::kFloat32 || type == torch::kFloat64 ? "" : "weights are neither float32 nor float64";
  }

  variable_list run(variable_list inputs, const variable_list& learned) const override {
    const bool on_cpu = inputs.front().device().is_cpu();
    variable_list tensors = std::move(inputs);
    for (const auto& layer : layers_->each) {
      const auto w = layer->weights();
      tensors.insert(tensors.end(), {w.W1, w.b1, w.W2, w.b2});
    }
    tensors.insert(tensors.end(), learned.begin(), learned.end());
    return kernels::apply(on_cpu ? make_cpu_whole(layers_) : on_gpu_.stage(torch::GradMode::is_enabled()), tensors);
  }

 private:
  std::shared_ptr<const Layers> layers_;
  GpuWhole on_gpu_;
};

// Why neither loops nor kernels take a module, if they do not.
std::string unsuited(const std::shared_ptr<DenseTwoLayer>& layer) {
  if (!layer) return "a module is no dense_two_layer";
  const Activation activation = layer->activation();
  if (activation != Activation::tanh && activation != Activation::sigmoid && activation != Activation::relu)
    return "an activation other than tanh, sigmoid and relu";
  const int64_t size = layer->last_layer().front().numel();
  if (size <= kernels::kLargestKernel) return "";
  return base::concat("a module of width times hidden ", size, ", over ", kernels::kLargestKernel);
}

}  // namespace

variable_list WholeStage::differentiable_backward(const variable_list& saved, variable_list gradients) const {
  variable_list inputs;  // apart, although one tensor may have come as several
  for (const Tensor& tensor : given(saved).tensors) inputs.push_back(tensor.alias());
  const variable_list all = by_operators({*layers_, inputs});
  variable_list outputs, cotangents, wanted, found;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!gradients[i].defined()) continue;
    outputs.push_back(all[i]);
    cotangents.push_back(gradients[i]);
  }
  for (const Tensor& input : inputs) {
    if (input.requires_grad()) wanted.push_back(input);
  }
  const variable_list known = torch::autograd::grad(outputs, wanted, cotangents, true, true, true);
  auto next = known.begin();
  for (const Tensor& input : inputs) found.push_back(input.requires_grad() ? *next++ : Tensor());
  return found;
}

std::unique_ptr<Executor> make_whole(std::shared_ptr<const Program> program, const Bindings& bindings,
                                     std::string& why) {
  Layers layers;
  std::vector<int> place;  // of each module in the layers
  for (const auto& module : bindings.modules) {
    const auto layer = std::dynamic_pointer_cast<DenseTwoLayer>(module);
    why = unsuited(layer);
    if (!why.empty()) return nullptr;
    const auto known = std::find(layers.each.begin(), layers.each.end(), layer);
    place.push_back(static_cast<int>(known - layers.each.begin()));
    if (known == layers.each.end()) layers.each.push_back(layer);
  }
  if (layers.each.empty()) why = "no module is called";
  if (program->solves()) why = "it solves for unknowns";
  if (bindings.recompute) why = "modules run again in the backward pass";
  if (!why.empty()) return nullptr;
  Program numbered = *program;
  for (Operation& operation : numbered.operations) {
    if (auto* call = std::get_if<Call>(&operation.what)) call->module = place[call->module];
  }
  layers.program = std::make_shared<const Program>(std::move(numbered));
  return std::make_unique<Whole>(std::make_shared<const Layers>(std::move(layers)));
}

}  // namespace optdnn::execution
