// The executor `fused`, for networks whose states are large: the linear combinations between two modules are one node
// (linear_node.h), together with the norms that begin the modules which read them. Modules and fixed points stay what
// they are.
#include <algorithm>

#include "optdnn/execution/linear_combination.h"
#include "optdnn/execution/linear_node.h"
#include "optdnn/execution/module_call.h"
#include "optdnn/execution/passes.h"
#include "optdnn/kernels/launcher.h"

namespace optdnn::execution {

namespace {

using torch::Tensor;

// An output of a segment's map that a module reads.
struct Argument {
  int output, module;
  int result;  // the value that the module makes of it
};

// Combinations that follow one another, then an operation of another kind, if any.
struct Segment {
  std::vector<int> inputs, outputs;  // of the map, as the program's values
  std::shared_ptr<const kernels::LinearMap> map;
  std::vector<int> learned;  // of the program's
  std::vector<Argument> arguments;
  const Operation* other = nullptr;
  std::vector<int> last_reads;  // values nobody reads after it
};

// The number of a value in a list that gets it where it is missing.
int number_in(std::vector<int>& list, int value) {
  const auto found = std::find(list.begin(), list.end(), value);
  if (found != list.end()) return static_cast<int>(found - list.begin());
  list.push_back(value);
  return static_cast<int>(list.size()) - 1;
}

bool is_combination(const Operation& operation) {
  const auto* combine = std::get_if<Combine>(&operation.what);
  return combine && !combine->terms.empty();  // zero is no map of anything
}

// Of the combinations [begin, end), and the operation `end`.
Segment segment_of(const Program& program, size_t begin, size_t end, const std::vector<std::vector<int>>& last_reads) {
  Segment made;
  const int first = begin < end ? program.operations[begin].value : 0;
  for (size_t i = begin; i < end; ++i) {  // inputs come first in the map's numbers
    for (const Term& term : std::get<Combine>(program.operations[i].what).terms) {
      if (term.value < first) number_in(made.inputs, term.value);
    }
  }
  for (size_t i = begin; i < std::min(end + 1, last_reads.size()); ++i) {
    made.last_reads.insert(made.last_reads.end(), last_reads[i].begin(), last_reads[i].end());
  }
  std::vector<bool> inside(program.values);  // read for the last time by one of the combinations
  for (size_t i = begin; i < end; ++i) {
    for (const int value : last_reads[i]) inside[value] = true;
  }
  std::vector<int> values = made.inputs, kept;
  kernels::Combinations combinations{static_cast<int>(made.inputs.size()), {}};
  for (size_t i = begin; i < end; ++i) {
    Terms terms = std::get<Combine>(program.operations[i].what).terms;
    for (Term& term : terms) {
      term.value = number_in(values, term.value);
      if (!term.is_constant()) term.learned = number_in(made.learned, term.learned);
    }
    combinations.made.push_back(std::move(terms));
    values.push_back(program.operations[i].value);
    if (inside[values.back()]) continue;
    kept.push_back(combinations.values() - 1);
    made.outputs.push_back(values.back());
  }
  for (const Operation& operation : program.operations) {
    const auto* call = std::get_if<Call>(&operation.what);
    if (!call) continue;
    const auto found = std::find(made.outputs.begin(), made.outputs.end(), call->argument);
    if (found == made.outputs.end()) continue;
    made.arguments.push_back({static_cast<int>(found - made.outputs.begin()), call->module, operation.value});
  }
  if (begin < end) made.map = std::make_shared<const kernels::LinearMap>(std::move(combinations), std::move(kept));
  if (end < program.operations.size()) made.other = &program.operations[end];
  return made;
}

class Fused : public Executor {
 public:
  Fused(std::shared_ptr<const Program> program, const Bindings& bindings)
      : program_(std::move(program)), bindings_(bindings) {
    const auto reads = last_reads(*program_);
    for (size_t begin = 0; begin < program_->operations.size();) {
      size_t end = begin;
      while (end < program_->operations.size() && is_combination(program_->operations[end])) ++end;
      segments_.push_back(segment_of(*program_, begin, end, reads));
      begin = end + 1;
    }
  }

  std::string declines(const variable_list& inputs) const override {
    const auto elsewhere = std::find_if(inputs.begin(), inputs.end(), [](const Tensor& x) {
      return !x.device().is_cpu() && !kernels::launcher(x.device());
    });
    return elsewhere == inputs.end() ? "" : "states on " + elsewhere->device().str() + ", which has no kernels";
  }

  variable_list run(variable_list inputs, const variable_list& learned) const override {
    variable_list values = std::move(inputs);
    NormedValues normed(program_->values);  // what modules read, by their results
    values.resize(program_->values);
    Solutions solutions;
    for (const Segment& segment : segments_) {
      if (segment.map) combine_all(segment, learned, values, normed);
      if (segment.other) run_other(*segment.other, learned, solutions, values, normed);
      for (const int value : segment.last_reads) values[value] = Tensor();
    }
    return pick(values, program_->outputs);
  }

 private:
  using NormedValues = std::vector<std::optional<modules::NormedRelu>>;

  void combine_all(const Segment& segment, const variable_list& learned, variable_list& values,
                   NormedValues& normed) const {
    std::vector<NormedOutput> norms;
    std::vector<int> results;
    for (const auto& [output, module, result] : segment.arguments) {
      if (bindings_.recompute) continue;  // the backward pass of a recomputed module begins at its argument
      const auto norm = bindings_.modules[module]->first_norm(program_->modules[module].step);
      if (!norm || !norm->training) continue;  // evaluations would only hold it longer
      norms.push_back({output, *norm});
      results.push_back(result);
    }
    const auto found = apply_linear(segment.map, pick(values, segment.inputs), pick(learned, segment.learned), norms);
    for (size_t i = 0; i < found.values.size(); ++i) values[segment.outputs[i]] = found.values[i];
    for (size_t i = 0; i < results.size(); ++i) normed[results[i]] = found.normed[i];
  }

  void run_other(const Operation& operation, const variable_list& learned, Solutions& solutions, variable_list& values,
                 NormedValues& normed) const {
    const auto& [what, value] = operation;
    if (const auto* call = std::get_if<Call>(&what)) {
      const auto after_norm = std::exchange(normed[value], std::nullopt);
      values[value] = after_norm ? bindings_.modules[call->module]->after_first_norm(
                                       *after_norm, program_->modules[call->module].step)
                                 : call_module(*program_, bindings_, call->module, values[call->argument]);
    } else if (const auto* solve = std::get_if<Solve>(&what)) {
      const auto found = solve_group(*program_, bindings_, *solve, values, learned, solutions.of(*solve));
      std::copy(found.begin(), found.end(), values.begin() + value);
    } else {
      values[value] = zeros_like_values(values);
    }
  }

  std::shared_ptr<const Program> program_;
  Bindings bindings_;
  std::vector<Segment> segments_;
};

}  // namespace

std::unique_ptr<Executor> make_fused(std::shared_ptr<const Program> program, const Bindings& bindings, std::string&) {
  return std::make_unique<Fused>(std::move(program), bindings);
}

}  // namespace optdnn::execution
