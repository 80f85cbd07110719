#include "optdnn/models/stage_tape.h"

namespace optdnn::models {

namespace {

class Writer {
 public:
  Writer(const Plan& plan, int first, const NumberOf& module_of) : module_of_(module_of) {
    const size_t states = first == 0 ? plan.start.size() : plan.steps[first - 1].next.size();
    for (size_t i = 0; i < states; ++i) {
      const bool zero = first == 0 ? plan.start[i] == 0.0 : plan.steps[first - 1].next[i].empty();
      written_.inputs.push_back(zero ? -1 : written_.tape.inputs++);
    }
    state_ = written_.inputs;
  }

  // Returns false where a call has no module.
  bool write(const PlannedStep& step, int k) {
    arguments_.assign(step.calls.size(), -1);
    results_.assign(step.calls.size(), -1);
    for (const algorithms::CallGroup& group : step.order) {
      const int call = group.calls.front();
      const int module = module_of_(step.calls[call], k);
      if (module < 0) return false;
      arguments_[call] = combination(step.calls[call].argument);
      written_.tape.operations.push_back({module, arguments_[call], {}});
      results_[call] = written_.tape.values() - 1;
    }
    std::vector<int> next;
    for (const Combination& terms : step.next) next.push_back(terms.empty() ? -1 : combination(terms));
    state_ = next;
    return true;
  }

  StageTape finish() {
    written_.outputs = state_;
    return std::move(written_);
  }

 private:
  int combination(const Combination& planned) {
    std::vector<TapeTerm> terms;
    for (const PlannedTerm& term : planned) {
      const auto& values = term.source == PlannedTerm::Source::state    ? state_
                           : term.source == PlannedTerm::Source::result ? results_
                                                                        : arguments_;
      TapeTerm& added = terms.emplace_back(TapeTerm{values[term.index], 1.0});
      if (term.weight.is_constant()) {
        added.weight = term.weight.constant();
      } else {
        added.learned = static_cast<int>(written_.learned.size());
        written_.learned.push_back(term.weight);
      }
    }
    return written_.tape.add(std::move(terms));
  }

  const NumberOf& module_of_;
  StageTape written_;
  std::vector<int> state_, arguments_, results_;
};

}  // namespace

std::vector<torch::Tensor> StageTape::given(const State& state) const {
  std::vector<torch::Tensor> given;
  for (const torch::Tensor& x : state) {
    if (x.defined()) given.push_back(x);
  }
  return given;
}

State StageTape::after(const std::vector<torch::Tensor>& values) const {
  State after;
  for (const int value : outputs) after.push_back(value < 0 ? torch::Tensor() : values[value]);
  return after;
}

torch::Tensor combine(const std::vector<TapeTerm>& terms, const std::vector<torch::Tensor>& values,
                      at::TensorList learned) {
  if (terms.empty()) return torch::zeros_like(values.front());
  std::vector<WeightedTensor> weighted;
  for (const TapeTerm& term : terms) {
    weighted.push_back({values[term.value], term.weight, term.learned < 0 ? torch::Tensor() : learned[term.learned]});
  }
  return linear_combination(weighted);
}

std::optional<StageTape> write_tape(const Plan& plan, int first, int count, const NumberOf& module_of) {
  Writer writer(plan, first, module_of);
  for (int k = 0; k < count; ++k) {
    if (!writer.write(plan.steps[first + k], k)) return std::nullopt;
  }
  return writer.finish();
}

}  // namespace optdnn::models
