// Stages of small two-layer modules on the CPU: runs are shared out among threads (whole_loops.h).
#include <ATen/EmptyTensor.h>

#include <algorithm>

#include "optdnn/base/share_out.h"
#include "optdnn/execution/linear_combination.h"
#include "optdnn/execution/whole_loops.h"
#include "optdnn/execution/whole_stage.h"

namespace optdnn::execution {

namespace {

using kernels::SmallActivation;
using kernels::TwoLayerPointers;
using kernels::TwoLayerSizes;
using modules::Activation;
using modules::TwoLayerWeights;
using torch::Tensor;

SmallActivation small(Activation activation) {
  if (activation == Activation::tanh) return SmallActivation::tanh;
  return activation == Activation::sigmoid ? SmallActivation::sigmoid : SmallActivation::relu;
}

// Hidden values of all calls, for one sample.
int64_t hidden_rows(const Given& given) {
  int64_t rows = 0;
  for (const Operation& operation : given.program.operations) {
    if (const auto* call = std::get_if<Call>(&operation.what)) rows += given.weights(call->module).W1.size(-2);
  }
  return rows;
}

// Sizes, and the tensors as memory in one piece per run.
template <class Number>
class Memory {
 public:
  explicit Memory(const Given& given)
      : program(given.program), R(given.runs()), N(given.samples()), D(given.width()), rows(hidden_rows(given)) {
    for (size_t i = 0; i < given.layers.each.size(); ++i) {
      const auto w = given.weights(i);
      weights_.push_back({w.W1.contiguous(), w.b1.contiguous(), w.W2.contiguous(), w.b2.contiguous()});
      sizes_.push_back({D, w.W1.size(-2), N, small(given.layers.each[i]->activation())});
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
                               hidden_RHN.data_ptr<Number>() + r * rows * N});
    });
  }

  const Program& program;
  int64_t R, N, D, rows, room = 0;
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

class CpuWholeStage : public WholeStage {
 public:
  using WholeStage::WholeStage;

  variable_list forward(at::TensorList tensors, variable_list& saved) override {
    const Given given(*layers_, tensors);
    saved = tensors.vec();
    return given.input(0).scalar_type() == torch::kFloat32 ? run<float>(given, saved) : run<double>(given, saved);
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Given all = given(saved);
    const Tensor &values_RVDN = saved[saved.size() - 2], &hidden_RHN = saved.back();
    return all.input(0).scalar_type() == torch::kFloat32 ? run_back<float>(all, values_RVDN, hidden_RHN, gradients)
                                                         : run_back<double>(all, values_RVDN, hidden_RHN, gradients);
  }

 private:
  template <class Number>
  static variable_list run(const Given& given, variable_list& saved) {
    const Memory<Number> memory(given);
    const Program& program = given.program;
    const auto options = given.input(0).options();
    const Tensor values_RVDN = torch::empty({memory.R, program.values, memory.D, memory.N}, options);
    const Tensor hidden_RHN = torch::empty({memory.R, memory.rows, memory.N}, options);
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
};

}  // namespace

c10::intrusive_ptr<WholeStage> make_cpu_whole(std::shared_ptr<const Layers> layers) {
  return c10::make_intrusive<CpuWholeStage>(std::move(layers));
}

}  // namespace optdnn::execution
