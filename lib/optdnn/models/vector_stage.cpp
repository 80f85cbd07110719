#include "optdnn/models/vector_stage.h"

#include <ATen/EmptyTensor.h>
#include <ATen/autocast_mode.h>

#include <algorithm>

#include "optdnn/base/share_out.h"
#include "optdnn/models/vector_tape.h"
#include "optdnn/modules/dense_two_layer.h"

namespace optdnn::models {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct VectorStage::Program : StageTape {
  std::vector<std::shared_ptr<modules::DenseTwoLayer>> modules;
};

namespace {

using Program = VectorStage::Program;

struct StageJob : torch::CustomClassHolder {
  explicit StageJob(std::shared_ptr<const Program> of) : program(std::move(of)) {}
  std::shared_ptr<const Program> program;
};

// The tensors a node is given, in one list: the inputs, four weights per module, the learned weights.
struct Given {
  Given(const Program& of, at::TensorList list) : program(of), tensors(list) {}
  const Tensor& input(int i) const { return tensors[i]; }
  modules::TwoLayerWeights module(size_t m) const {
    const size_t first = program.tape.inputs + 4 * m;
    return {tensors[first], tensors[first + 1], tensors[first + 2], tensors[first + 3]};
  }
  at::TensorList learned() const { return tensors.slice(program.tape.inputs + 4 * program.modules.size()); }

  const Program& program;
  at::TensorList tensors;
};

// The same by LibTorch's operators.
variable_list plain(const Given& given) {
  variable_list values(given.tensors.begin(), given.tensors.begin() + given.program.tape.inputs);
  for (const TapeOperation& operation : given.program.tape.operations) {
    if (operation.module >= 0) {
      const auto& module = given.program.modules[operation.module];
      values.push_back(module->evaluate(values[operation.argument], given.module(operation.module)));
    } else {
      values.push_back(combine(operation.terms, values, given.learned()));
    }
  }
  variable_list outputs;
  for (const int value : given.program.outputs) {
    if (value >= 0) outputs.push_back(values[value]);
  }
  return outputs;
}

// Sizes, and the tensors as memory in one piece per run.
template <class Number>
class Memory {
 public:
  explicit Memory(const Given& given)
      : tape(given.program.tape),
        R(given.input(0).dim() == 3 ? given.input(0).size(0) : 1),
        N(given.input(0).size(-2)),
        D(given.input(0).size(-1)) {
    for (size_t m = 0; m < given.program.modules.size(); ++m) {
      const auto w = given.module(m);
      weights_.push_back({w.W1.contiguous(), w.b1.contiguous(), w.W2.contiguous(), w.b2.contiguous()});
      sizes_.push_back({D, w.W1.size(-2), N, given.program.modules[m]->activation()});
    }
    for (const TapeOperation& operation : tape.operations) {
      if (operation.module >= 0) hidden_rows += sizes_[operation.module].H;
    }
    for (const auto& size : sizes_) room = std::max(room, size.H * N);
    const auto learned = static_cast<int64_t>(given.program.learned.size());
    learned_RL = torch::empty({R, learned}, given.input(0).options());
    for (int64_t l = 0; l < learned; ++l) learned_RL.select(1, l).copy_(given.learned()[l]);
  }

  // The pointers of run r. W: TwoLayerPointers of weights, or of their gradients.
  template <class W>
  static std::vector<modules::TwoLayerPointers<W>> pointers(const std::vector<modules::TwoLayerWeights>& weights,
                                                            int64_t R, int64_t r) {
    const auto at = [R, r](const Tensor& tensor) { return tensor.data_ptr<Number>() + r * (tensor.numel() / R); };
    std::vector<modules::TwoLayerPointers<W>> all;
    for (const auto& w : weights) all.push_back({at(w.W1), at(w.b1), at(w.W2), at(w.b2)});
    return all;
  }

  // Calls each(TapeRun) for every run, on all threads.
  template <class Each>
  void for_each_run(const Tensor& values_RVDN, const Tensor& hidden_RHN, Each each) const {
    base::share_out(R, [&](int64_t r) {
      const auto modules = pointers<const Number>(weights_, R, r);
      each(r,
           TapeRun<Number>{tape, sizes_.data(), modules.data(), learned_RL.data_ptr<Number>() + r * learned_RL.size(1),
                           D, N, values_RVDN.data_ptr<Number>() + r * tape.values() * D * N,
                           hidden_RHN.data_ptr<Number>() + r * hidden_rows * N});
    });
  }

  const Tape& tape;
  int64_t R, N, D, hidden_rows = 0, room = 0;
  Tensor learned_RL;

 private:
  std::vector<modules::TwoLayerWeights> weights_;
  std::vector<modules::TwoLayerSizes> sizes_;
};

template <class Number>
void set_zero(const modules::TwoLayerSizes& s, const modules::TwoLayerPointers<Number>& w) {
  std::fill_n(w.W1, s.H * s.D, Number(0));
  std::fill_n(w.b1, s.H, Number(0));
  std::fill_n(w.W2, s.D * s.H, Number(0));
  std::fill_n(w.b2, s.D, Number(0));
}

Tensor samples_innermost(const Tensor& x) { return x.transpose(-1, -2); }

struct VectorStageNode : torch::autograd::Function<VectorStageNode> {
  static variable_list forward(AutogradContext* context, const c10::intrusive_ptr<StageJob>& job, at::TensorList tensors) {
    const Given given(*job->program, tensors);
    variable_list outputs;
    variable_list kept = tensors.vec();
    given.input(0).scalar_type() == torch::kFloat32 ? run<float>(given, kept, outputs)
                                                    : run<double>(given, kept, outputs);
    context->save_for_backward(kept);
    context->saved_data["job"] = torch::IValue::make_capsule(job);
    return outputs;
  }

  template <class Number>
  static void run(const Given& given, variable_list& kept, variable_list& outputs) {
    const Memory<Number> memory(given);
    const auto options = given.input(0).options();
    const Tensor values_RVDN = torch::empty({memory.R, memory.tape.values(), memory.D, memory.N}, options);
    const Tensor hidden_RHN = torch::empty({memory.R, memory.hidden_rows, memory.N}, options);
    for (int i = 0; i < memory.tape.inputs; ++i) values_RVDN.select(1, i).copy_(samples_innermost(given.input(i)));
    memory.for_each_run(values_RVDN, hidden_RHN, [](int64_t, const TapeRun<Number>& run) { run_forward(run); });
    const auto sizes = given.input(0).sizes();
    for (const int value : given.program.outputs) {
      if (value >= 0) outputs.push_back(samples_innermost(values_RVDN.select(1, value)).reshape(sizes));
    }
    kept.push_back(values_RVDN);
    kept.push_back(hidden_RHN);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto job = c10::static_intrusive_pointer_cast<StageJob>(context->saved_data["job"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    const at::TensorList tensors(saved.data(), saved.size() - 2);
    const Given given(*job->program, tensors);
    variable_list found;
    if (torch::GradMode::is_enabled()) {  // a derivative of this derivative is wanted
      variable_list inputs;               // apart, although one tensor may have come as several
      for (const Tensor& tensor : tensors) inputs.push_back(tensor.alias());
      found = torch::autograd::grad(plain({*job->program, inputs}), inputs, gradients, true, true, true);
    } else {
      const Tensor &values_RVDN = saved[saved.size() - 2], &hidden_RHN = saved.back();
      found = given.input(0).scalar_type() == torch::kFloat32
                  ? run_back<float>(given, values_RVDN, hidden_RHN, gradients)
                  : run_back<double>(given, values_RVDN, hidden_RHN, gradients);
    }
    found.insert(found.begin(), Tensor());  // of the job
    return found;
  }

  template <class Number>
  static variable_list run_back(const Given& given, const Tensor& values_RVDN, const Tensor& hidden_RHN,
                                const variable_list& gradients) {
    const Memory<Number> memory(given);
    const Program& program = given.program;
    const auto options = given.input(0).options();
    const int64_t size = memory.D * memory.N, values = memory.tape.values();
    variable_list found, outputs;
    for (const Tensor& gradient : gradients) outputs.push_back(samples_innermost(gradient).contiguous());
    const Tensor inputs_RIDN = torch::empty({memory.R, memory.tape.inputs, memory.D, memory.N}, options);
    const Tensor learned_RL = torch::zeros_like(memory.learned_RL);
    std::vector<modules::TwoLayerWeights> d;
    for (size_t m = 0; m < program.modules.size(); ++m) {
      const auto room = [](const Tensor& w) { return Tensor(at::detail::empty_cpu(w.sizes(), w.options())); };
      const auto w = given.module(m);
      d.push_back({room(w.W1), room(w.b1), room(w.W2), room(w.b2)});
    }
    memory.for_each_run(values_RVDN, hidden_RHN, [&](int64_t r, const TapeRun<Number>& run) {
      std::vector<Number> room(memory.room), dvalues(values * size);
      size_t given_back = 0;
      for (const int value : program.outputs) {
        if (value < 0) continue;
        const Number* dout = outputs[given_back++].template data_ptr<Number>() + r * size;
        for (int64_t i = 0; i < size; ++i) dvalues[value * size + i] += dout[i];
      }
      const auto dmodules = Memory<Number>::template pointers<Number>(d, memory.R, r);
      for (size_t m = 0; m < d.size(); ++m) set_zero(run.sizes[m], dmodules[m]);
      run_backward(
          run, {dvalues.data(), dmodules.data(), learned_RL.data_ptr<Number>() + r * learned_RL.size(1), room.data()});
      std::copy_n(dvalues.data(), memory.tape.inputs * size,
                  inputs_RIDN.data_ptr<Number>() + r * memory.tape.inputs * size);
    });
    for (int i = 0; i < memory.tape.inputs; ++i) {
      found.push_back(samples_innermost(inputs_RIDN.select(1, i)).reshape(given.input(i).sizes()));
    }
    for (const auto& w : d) found.insert(found.end(), {w.W1, w.b1, w.W2, w.b2});
    for (size_t l = 0; l < program.learned.size(); ++l) {
      found.push_back(learned_RL.select(1, static_cast<int64_t>(l)).reshape(given.learned()[l].sizes()));
    }
    return found;
  }
};

}  // namespace

std::unique_ptr<VectorStage> VectorStage::make(const Plan& plan, int first, int count, const ModuleOf& module_of) {
  Program program;
  auto& known = program.modules;
  auto tape = write_tape(plan, first, count, [&](const PlannedCall& call, int k) {
    const auto layers = std::dynamic_pointer_cast<modules::DenseTwoLayer>(module_of(call, k));
    if (!layers || !modules::kernel_has(layers->activation())) return -1;
    if (layers->last_layer().front().numel() > modules::kLargestKernel) return -1;
    const auto found = std::find(known.begin(), known.end(), layers);
    const auto place = static_cast<int>(found - known.begin());
    if (found == known.end()) known.push_back(layers);
    return place;
  });
  if (!tape || known.empty()) return nullptr;
  static_cast<StageTape&>(program) = std::move(*tape);
  return std::unique_ptr<VectorStage>(new VectorStage(std::make_shared<const Program>(std::move(program))));
}

bool VectorStage::fits(const State& state) const {
  if (!torch::GradMode::is_enabled() || at::autocast::is_autocast_enabled(at::kCPU)) return false;
  const Tensor weight = program_->modules.front()->last_layer().front();
  const auto type = weight.scalar_type();
  return (type == torch::kFloat32 || type == torch::kFloat64) && weight.device().is_cpu() &&
         std::all_of(state.begin(), state.end(), [&](const Tensor& x) {
           return !x.defined() || (x.scalar_type() == type && x.device().is_cpu() && x.dim() == weight.dim());
         });
}

State VectorStage::run(const State& state, const ValueOf& value_of) const {
  variable_list tensors = program_->given(state);
  for (const auto& module : program_->modules) {
    const auto w = module->weights();
    tensors.insert(tensors.end(), {w.W1, w.b1, w.W2, w.b2});
  }
  for (const algorithms::Scalar& weight : program_->learned) tensors.push_back(weight.evaluate<Tensor>(value_of));
  const variable_list outputs = VectorStageNode::apply(c10::make_intrusive<StageJob>(program_), at::TensorList(tensors));
  State after;
  auto next = outputs.begin();
  for (const int value : program_->outputs) after.push_back(value < 0 ? Tensor() : *next++);
  return after;
}

}  // namespace optdnn::models
