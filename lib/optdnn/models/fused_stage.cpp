#include "optdnn/models/fused_stage.h"

#include <algorithm>

namespace optdnn::models {

using torch::Tensor;

namespace {

// Where each value is read last: the operation's number; past all of them for what the stage hands on.
std::vector<int> last_readers(const StageTape& stage) {
  std::vector<int> last(stage.tape.values(), -1);
  for (int i = 0; i < std::ssize(stage.tape.operations); ++i) {
    const TapeOperation& operation = stage.tape.operations[i];
    if (operation.module >= 0) last[operation.argument] = i;
    for (const TapeTerm& term : operation.terms) last[term.value] = i;
  }
  for (const int value : stage.outputs) {
    if (value >= 0) last[value] = static_cast<int>(std::ssize(stage.tape.operations));
  }
  return last;
}

// The number of a value in a list that gets it where it is missing.
int number_in(std::vector<int>& list, int value) {
  const auto found = std::find(list.begin(), list.end(), value);
  if (found != list.end()) return static_cast<int>(found - list.begin());
  list.push_back(value);
  return static_cast<int>(list.size()) - 1;
}

}  // namespace

std::unique_ptr<FusedStage> FusedStage::make(const Plan& plan, int first, int count) {
  std::vector<Call> calls;
  auto tape = write_tape(plan, first, count, [&](const PlannedCall& call, int k) {
    calls.push_back({&call, k});
    return static_cast<int>(calls.size()) - 1;
  });
  const auto& operations = tape->tape.operations;
  const bool zero = std::any_of(operations.begin(), operations.end(), [](const TapeOperation& operation) {
    return operation.module < 0 && operation.terms.empty();
  });
  return zero ? nullptr : std::unique_ptr<FusedStage>(new FusedStage(std::move(*tape), std::move(calls)));
}

FusedStage::FusedStage(StageTape tape, std::vector<Call> calls) : tape_(std::move(tape)), calls_(std::move(calls)) {
  const std::vector<int> last = last_readers(tape_);
  const auto count = static_cast<int>(std::ssize(tape_.tape.operations));
  for (int begin = 0; begin < count;) {
    int end = begin;
    while (end < count && tape_.tape.operations[end].module < 0) ++end;
    segments_.push_back(segment(begin, end, last));
    begin = end + 1;
  }
}

// Of the combinations [begin, end), and the module that is the operation `end`.
FusedStage::Segment FusedStage::segment(int begin, int end, const std::vector<int>& last) const {
  const Tape& tape = tape_.tape;
  Segment made;
  for (int i = begin; i < end; ++i) {  // inputs come first in the map's numbers
    for (const TapeTerm& term : tape.operations[i].terms) {
      if (term.value < tape.inputs + begin) number_in(made.inputs, term.value);
    }
  }
  std::vector<int> values = made.inputs, kept;
  Tape map{static_cast<int>(made.inputs.size()), {}};
  for (int i = begin; i < end; ++i) {
    std::vector<TapeTerm> terms = tape.operations[i].terms;
    for (TapeTerm& term : terms) {
      term.value = number_in(values, term.value);
      if (term.learned >= 0) term.learned = number_in(made.learned, term.learned);
    }
    map.operations.push_back({-1, 0, std::move(terms)});
    values.push_back(tape.inputs + i);
    if (last[values.back()] >= end) {
      kept.push_back(map.values() - 1);
      made.outputs.push_back(values.back());
    }
  }
  for (const TapeOperation& operation : tape.operations) {
    const auto found = std::find(made.outputs.begin(), made.outputs.end(), operation.argument);
    if (operation.module < 0 || found == made.outputs.end()) continue;
    made.arguments.push_back({static_cast<int>(found - made.outputs.begin()), operation.module});
  }
  if (begin < end) made.map = std::make_shared<const LinearMap>(std::move(map), std::move(kept));
  if (end < std::ssize(tape.operations)) {
    made.module = tape.operations[end].module;
    made.argument = tape.operations[end].argument;
    made.result = tape.inputs + end;
  }
  for (int value = 0; value < tape.values(); ++value) {
    const bool handed_on = last[value] == std::ssize(tape.operations);
    if (last[value] >= begin && last[value] <= end && !handed_on) made.last_read.push_back(value);
  }
  return made;
}

bool FusedStage::fits(const State& state) {
  return std::all_of(state.begin(), state.end(), [](const Tensor& x) { return !x.defined() || x.device().is_cpu(); });
}

State FusedStage::run(const State& state, const Modules& modules, const ValueOf& value_of) const {
  std::vector<Tensor> values = tape_.given(state), normed(calls_.size());  // what modules read, by their numbers
  values.resize(tape_.tape.values());
  for (const Segment& segment : segments_) {
    if (segment.map) {
      std::vector<Tensor> learned;
      for (const int weight : segment.learned) learned.push_back(tape_.learned[weight].evaluate<Tensor>(value_of));
      std::vector<NormedOutput> norms;
      std::vector<Tensor*> wanted;
      for (const int value : segment.outputs) wanted.push_back(&values[value]);
      for (const auto& [output, module] : segment.arguments) {
        const Call& call = calls_[module];
        const auto norm = modules.first_norm(*call.call, call.k);
        if (!norm || !norm->training) continue;  // evaluations would only hold it longer
        norms.push_back({output, *norm});
        wanted.push_back(&normed[module]);
      }
      const auto found = apply(segment.map, pick(values, segment.inputs), learned, norms);
      for (size_t i = 0; i < found.size(); ++i) *wanted[i] = found[i];
    }
    if (segment.module >= 0) {
      const auto& [call, k] = calls_[segment.module];
      Tensor& after_norm = normed[segment.module];
      values[segment.result] = after_norm.defined() ? modules.after_first_norm(*call, k, after_norm)
                                                    : modules.evaluate(*call, k, values[segment.argument]);
      after_norm = Tensor();
    }
    for (const int value : segment.last_read) values[value] = Tensor();
  }
  return tape_.after(values);
}

}  // namespace optdnn::models
