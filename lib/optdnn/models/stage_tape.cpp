#include "optdnn/models/stage_tape.h"

#include <algorithm>

namespace optdnn::models {

namespace {

class Writer {
 public:
  Writer(const Plan& plan, int first, const NumberOf& module_of) : module_of_(module_of) {
    const size_t states = first == 0 ? plan.start.size() : plan.steps[first - 1].next.size();
    for (size_t i = 0; i < states; ++i) {
      const bool zero = first == 0 ? plan.start[i] == 0.0 : plan.steps[first - 1].next[i].empty();
      const size_t alike =
          first == 0 ? std::find(plan.start.begin(), plan.start.end(), plan.start[i]) - plan.start.begin() : i;
      written_.inputs.push_back(zero ? -1 : alike < i ? written_.inputs[alike] : written_.tape.inputs++);
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
      const int value = values[term.index];
      if (term.weight.is_constant()) {
        add(terms, value, term.weight.constant());
      } else {
        terms.push_back({value, 1.0, static_cast<int>(written_.learned.size())});
        written_.learned.push_back(term.weight);
      }
    }
    std::erase_if(terms, [](const TapeTerm& term) { return term.learned < 0 && term.weight == 0.0; });
    return written_.tape.add(std::move(terms));
  }

  // Where states are still alike, terms fall together: x + beta*(x - x[k-1]) is x at first.
  static void add(std::vector<TapeTerm>& terms, int value, double weight) {
    const auto found = std::find_if(terms.begin(), terms.end(),
                                    [&](const TapeTerm& term) { return term.value == value && term.learned < 0; });
    if (found == terms.end()) {
      terms.push_back({value, weight});
    } else {
      found->weight += weight;
    }
  }

  const NumberOf& module_of_;
  StageTape written_;
  std::vector<int> state_, arguments_, results_;
};

}  // namespace

std::vector<torch::Tensor> StageTape::given(const State& state) const {
  std::vector<torch::Tensor> given;
  for (size_t i = 0; i < state.size(); ++i) {
    if (inputs[i] == std::ssize(given)) given.push_back(state[i]);
  }
  return given;
}

State StageTape::after(const std::vector<torch::Tensor>& values) const {
  State after;
  for (const int value : outputs) after.push_back(value < 0 ? torch::Tensor() : values[value]);
  return after;
}

std::vector<torch::Tensor> pick(const std::vector<torch::Tensor>& values, const std::vector<int>& wanted) {
  std::vector<torch::Tensor> picked;
  for (const int value : wanted) picked.push_back(values[value]);
  return picked;
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
