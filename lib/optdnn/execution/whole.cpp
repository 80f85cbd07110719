// The executor `whole`: all steps of a stage of small two-layer modules as one node of the autograd graph, for networks
// so small that the operators' own overhead is most of their time.
#include <ATen/EmptyTensor.h>
#include <ATen/autocast_mode.h>

#include <algorithm>

#include "optdnn/base/share_out.h"
#include "optdnn/base/text.h"
#include "optdnn/execution/executor.h"
#include "optdnn/execution/linear_combination.h"
#include "optdnn/execution/whole_loops.h"
#include "optdnn/kernels/differentiable.h"
#include "optdnn/modules/dense_two_layer.h"

namespace optdnn::execution {

namespace {

using kernels::SmallActivation;
using kernels::TwoLayerPointers;
using kernels::TwoLayerSizes;
using modules::Activation;
using modules::DenseTwoLayer;
using modules::TwoLayerWeights;
using torch::Tensor;

std::optional<SmallActivation> loops_have(Activation activation) {
  if (activation == Activation::tanh) return SmallActivation::tanh;
  if (activation == Activation::sigmoid) return SmallActivation::sigmoid;
  if (activation == Activation::relu) return SmallActivation::relu;
  return std::nullopt;
}

// A program with its layers, each once: shared weights are those of many of its modules.
struct Layers {
  std::shared_ptr<const Program> program;  // whose modules are numbered as `each`
  std::vector<std::shared_ptr<DenseTwoLayer>> each;
};

// The tensors the node is given, in one list: the inputs, four weights per layer, the learned weights.
struct Given {
  Given(const Layers& of, at::TensorList list) : layers(of), program(*of.program), tensors(list) {}
  const Tensor& input(int i) const { return tensors[i]; }
  TwoLayerWeights weights(size_t layer) const {
    const size_t first = program.inputs + 4 * layer;
    return {tensors[first], tensors[first + 1], tensors[first + 2], tensors[first + 3]};
  }
  at::TensorList learned() const { return tensors.slice(program.inputs + 4 * layers.each.size()); }

  const Layers& layers;
  const Program& program;
  at::TensorList tensors;
};

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

// Sizes, and the tensors as memory in one piece per run.
template <class Number>
class Memory {
 public:
  explicit Memory(const Given& given)
      : program(given.program),
        R(given.input(0).dim() == 3 ? given.input(0).size(0) : 1),
        N(given.input(0).size(-2)),
        D(given.input(0).size(-1)) {
    for (size_t i = 0; i < given.layers.each.size(); ++i) {
      const auto w = given.weights(i);
      weights_.push_back({w.W1.contiguous(), w.b1.contiguous(), w.W2.contiguous(), w.b2.contiguous()});
      sizes_.push_back({D, w.W1.size(-2), N, *loops_have(given.layers.each[i]->activation())});
    }
    for (const Operation& operation : program.operations) {
      if (const auto* call = std::get_if<Call>(&operation.what)) hidden_rows += sizes_[call->module].H;
    }
    for (const auto& size : sizes_) room = std::max(room, size.H * N);
    const auto learned = static_cast<int64_t>(program.learned.size());
    learned_RL = torch::empty({R, learned}, given.input(0).options());
    for (int64_t l = 0; l < learned; ++l) learned_RL.select(1, l).copy_(given.learned()[l]);
  }

  // The pointers of run r. W: TwoLayerPointers of weights, or of their gradients.
  template <class W>
  static std::vector<TwoLayerPointers<W>> pointers(const std::vector<TwoLayerWeights>& weights, int64_t R, int64_t r) {
    const auto at = [R, r](const Tensor& tensor) { return tensor.data_ptr<Number>() + r * (tensor.numel() / R); };
    std::vector<TwoLayerPointers<W>> all;
    for (const auto& w : weights) all.push_back({at(w.W1), at(w.b1), at(w.W2), at(w.b2)});
    return all;
  }

  // Calls each(r, WholeRun) for every run, on all threads.
  template <class Each>
  void for_each_run(const Tensor& values_RVDN, const Tensor& hidden_RHN, Each each) const {
    base::share_out(R, [&](int64_t r) {
      const auto modules = pointers<const Number>(weights_, R, r);
      each(r, WholeRun<Number>{program, sizes_.data(), modules.data(),
                               learned_RL.data_ptr<Number>() + r * learned_RL.size(1), D, N,
                               values_RVDN.data_ptr<Number>() + r * program.values * D * N,
                               hidden_RHN.data_ptr<Number>() + r * hidden_rows * N});
    });
  }

  const Program& program;
  int64_t R, N, D, hidden_rows = 0, room = 0;
  Tensor learned_RL;

 private:
  std::vector<TwoLayerWeights> weights_;
  std::vector<TwoLayerSizes> sizes_;
};

template <class Number>
void set_zero(const TwoLayerSizes& s, const TwoLayerPointers<Number>& w) {
  std::fill_n(w.W1, s.H * s.D, Number(0));
  std::fill_n(w.b1, s.H, Number(0));
  std::fill_n(w.W2, s.D * s.H, Number(0));
  std::fill_n(w.b2, s.D, Number(0));
}

Tensor samples_innermost(const Tensor& x) { return x.transpose(-1, -2); }

class WholeStage : public kernels::Differentiable {
 public:
  explicit WholeStage(std::shared_ptr<const Layers> layers) : layers_(std::move(layers)) {}

  variable_list forward(at::TensorList tensors, variable_list& saved) override {
    const Given given(*layers_, tensors);
    saved = tensors.vec();
    return given.input(0).scalar_type() == torch::kFloat32 ? run<float>(given, saved) : run<double>(given, saved);
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Given given(*layers_, at::TensorList(saved.data(), saved.size() - 2));
    const Tensor &values_RVDN = saved[saved.size() - 2], &hidden_RHN = saved.back();
    return given.input(0).scalar_type() == torch::kFloat32
               ? run_back<float>(given, values_RVDN, hidden_RHN, gradients)
               : run_back<double>(given, values_RVDN, hidden_RHN, gradients);
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    variable_list inputs;  // apart, although one tensor may have come as several
    for (size_t i = 0; i + 2 < saved.size(); ++i) inputs.push_back(saved[i].alias());
    variable_list outputs = by_operators({*layers_, inputs}), wanted, found;
    for (const Tensor& input : inputs) {
      if (input.requires_grad()) wanted.push_back(input);
    }
    const variable_list known = torch::autograd::grad(outputs, wanted, gradients, true, true, true);
    auto next = known.begin();
    for (const Tensor& input : inputs) found.push_back(input.requires_grad() ? *next++ : Tensor());
    return found;
  }

 private:
  template <class Number>
  static variable_list run(const Given& given, variable_list& saved) {
    const Memory<Number> memory(given);
    const Program& program = given.program;
    const auto options = given.input(0).options();
    const Tensor values_RVDN = torch::empty({memory.R, program.values, memory.D, memory.N}, options);
    const Tensor hidden_RHN = torch::empty({memory.R, memory.hidden_rows, memory.N}, options);
    for (int i = 0; i < program.inputs; ++i) values_RVDN.select(1, i).copy_(samples_innermost(given.input(i)));
    memory.for_each_run(values_RVDN, hidden_RHN, [](int64_t, const WholeRun<Number>& run) { run_forward(run); });
    variable_list outputs;
    for (const int value : program.outputs) {
      outputs.push_back(samples_innermost(values_RVDN.select(1, value)).reshape(given.input(0).sizes()));
    }
    saved.insert(saved.end(), {values_RVDN, hidden_RHN});
    return outputs;
  }

  template <class Number>
  static variable_list run_back(const Given& given, const Tensor& values_RVDN, const Tensor& hidden_RHN,
                                const variable_list& gradients) {
    const Memory<Number> memory(given);
    const Program& program = given.program;
    const auto options = given.input(0).options();
    const int64_t size = memory.D * memory.N;
    variable_list found, outputs;
    for (const Tensor& gradient : gradients) outputs.push_back(samples_innermost(gradient).contiguous());
    const Tensor inputs_RIDN = torch::empty({memory.R, program.inputs, memory.D, memory.N}, options);
    const Tensor learned_RL = torch::zeros_like(memory.learned_RL);
    std::vector<TwoLayerWeights> d;
    for (size_t i = 0; i < given.layers.each.size(); ++i) {
      const auto room = [](const Tensor& w) { return Tensor(at::detail::empty_cpu(w.sizes(), w.options())); };
      const auto w = given.weights(i);
      d.push_back({room(w.W1), room(w.b1), room(w.W2), room(w.b2)});
    }
    memory.for_each_run(values_RVDN, hidden_RHN, [&](int64_t r, const WholeRun<Number>& run) {
      std::vector<Number> room(memory.room), dvalues(program.values * size);
      for (size_t i = 0; i < outputs.size(); ++i) {
        const Number* dout = outputs[i].template data_ptr<Number>() + r * size;
        Number* dvalue = dvalues.data() + program.outputs[i] * size;
        for (int64_t n = 0; n < size; ++n) dvalue[n] += dout[n];
      }
      const auto dmodules = Memory<Number>::template pointers<Number>(d, memory.R, r);
      for (size_t i = 0; i < d.size(); ++i) set_zero(run.sizes[i], dmodules[i]);
      run_backward(
          run, {dvalues.data(), dmodules.data(), learned_RL.data_ptr<Number>() + r * learned_RL.size(1), room.data()});
      std::copy_n(dvalues.data(), program.inputs * size, inputs_RIDN.data_ptr<Number>() + r * program.inputs * size);
    });
    for (int i = 0; i < program.inputs; ++i) {
      found.push_back(samples_innermost(inputs_RIDN.select(1, i)).reshape(given.input(i).sizes()));
    }
    for (const auto& w : d) found.insert(found.end(), {w.W1, w.b1, w.W2, w.b2});
    for (size_t l = 0; l < program.learned.size(); ++l) {
      found.push_back(learned_RL.select(1, static_cast<int64_t>(l)).reshape(given.learned()[l].sizes()));
    }
    return found;
  }

  std::shared_ptr<const Layers> layers_;
};

class Whole : public Executor {
 public:
  explicit Whole(std::shared_ptr<const Layers> layers) : layers_(std::move(layers)) {}

  std::string declines(const variable_list& inputs) const override {
    if (!torch::GradMode::is_enabled()) return "no gradients are wanted";
    if (at::autocast::is_autocast_enabled(at::kCPU)) return "autocast is on";
    const Tensor weight = layers_->each.front()->last_layer().front();
    const auto type = weight.scalar_type();
    if (!weight.device().is_cpu()) return "weights on " + weight.device().str();
    if (type != torch::kFloat32 && type != torch::kFloat64) return "weights are neither float32 nor float64";
    const bool alike = std::all_of(inputs.begin(), inputs.end(), [&](const Tensor& x) {
      return x.scalar_type() == type && x.device().is_cpu() && x.dim() == weight.dim();
    });
    return alike ? "" : "states that are not vectors of the weights' type";
  }

  variable_list run(variable_list inputs, const variable_list& learned) const override {
    variable_list tensors = std::move(inputs);
    for (const auto& layer : layers_->each) {
      const auto w = layer->weights();
      tensors.insert(tensors.end(), {w.W1, w.b1, w.W2, w.b2});
    }
    tensors.insert(tensors.end(), learned.begin(), learned.end());
    return kernels::apply(c10::make_intrusive<WholeStage>(layers_), tensors);
  }

 private:
  std::shared_ptr<const Layers> layers_;
};

// Why the loops do not take a module, if they do not.
std::string unsuited(const std::shared_ptr<DenseTwoLayer>& layer) {
  if (!layer) return "a module is no dense_two_layer";
  if (!loops_have(layer->activation())) return "an activation other than tanh, sigmoid and relu";
  const int64_t size = layer->last_layer().front().numel();
  if (size <= kernels::kLargestKernel) return "";
  return base::concat("a module of width times hidden ", size, ", over ", kernels::kLargestKernel);
}

}  // namespace

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
