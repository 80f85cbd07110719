#include "optdnn/execution/program.h"

#include <algorithm>
#include <map>

#include "optdnn/algorithms/call_groups.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/execution/passes.h"

namespace optdnn::execution {

using algorithms::CallGroup;
using algorithms::Row;
using algorithms::Scalar;
using algorithms::Tableau;
using base::concat;

namespace {

// A run of the rule step by step, as its tableaux say: every call is made. A state or result of -1 is zero.
class Unrolling {
 public:
  explicit Unrolling(const algorithms::Rule& rule) : rule_(rule), state_(rule.step(0).states.size(), -1) {
    program_.inputs = program_.values = 1;
    for (const auto& term : rule.start()) state_[term.column] = add(sum({{term.column, term.value}}, {0}, true));
  }

  // Step k of the run, `step` of its stage.
  void step(int k, int step) {
    const Tableau tableau = rule_.step(k);
    std::vector<int> results(tableau.calls.size(), -1);
    modules_before_ = std::ssize(program_.modules);
    for (const algorithms::Call& call : tableau.calls) module(call, step);  // numbered in the tableau's order
    int number = 0;
    for (const CallGroup& group : algorithms::call_groups(tableau)) {
      group.implicit ? solve(tableau, group.calls, step, number, results)
                     : call(tableau, group.calls.front(), step, results);
      ++number;
    }
    std::vector<int> next;
    for (size_t i = 0; i < tableau.next_states.size(); ++i) {
      next.push_back(add(join(sum(tableau.A.rows[i], state_), sum(tableau.B.rows[i], results))));
    }
    state_ = std::move(next);
  }

  // The rule's output after `steps` steps, the last one that ran.
  int output(int steps) { return add(sum(rule_.output(steps), state_)); }
  const Program& program() const { return program_; }

 private:
  static Terms join(Terms a, const Terms& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  // The row's terms over these values, without those that are zero; `of_one`: all columns are the first value.
  Terms sum(const Row& row, const std::vector<int>& values, bool of_one = false) {
    Terms terms;
    for (const auto& term : row) {
      const int value = values[of_one ? 0 : term.column];
      if (value < 0 || term.value.is_zero()) continue;
      if (term.value.is_constant()) {
        terms.push_back({value, term.value.constant()});
      } else {
        const auto [known, is_new] = learned_.try_emplace(term.value.text(), static_cast<int>(program_.learned.size()));
        if (is_new) program_.learned.push_back(term.value);
        terms.push_back({value, 1.0, known->second});
      }
    }
    return terms;
  }

  int add(Terms terms) {
    if (terms.empty()) return -1;
    if (terms.size() == 1 && terms.front().is_one()) return terms.front().value;
    return add_operation(Combine{std::move(terms)});
  }
  template <class What>
  int add_operation(What what) {
    const Operation& added = program_.operations.emplace_back(Operation{std::move(what), program_.values});
    program_.values += results(added);
    return added.value;
  }

  int module(const algorithms::Call& call, int step) {
    const ModuleUse use{call.family, step, call.fresh};
    const auto known = std::find(program_.modules.begin() + modules_before_, program_.modules.end(), use);
    const auto number = static_cast<int>(known - program_.modules.begin());
    if (known == program_.modules.end()) program_.modules.push_back(use);
    return number;
  }

  void call(const Tableau& tableau, int i, int step, std::vector<int>& results) {
    Terms terms = join(sum(tableau.C.rows[i], state_), sum(tableau.D.rows[i], results));
    const bool zero = terms.empty();  // a module may be asked for its value at zero
    const int argument = zero ? add_operation(Combine{}) : add(std::move(terms));
    results[i] = add_operation(Call{module(tableau.calls[i], step), argument});
  }

  void solve(const Tableau& tableau, const std::vector<int>& group, int step, int number, std::vector<int>& results) {
    Solve solve{{}, number};
    std::vector<int> places(tableau.calls.size(), -1);
    for (size_t i = 0; i < group.size(); ++i) places[group[i]] = static_cast<int>(i);
    for (const int i : group) {
      Unknown unknown{module(tableau.calls[i], step), -1, sum(tableau.D.rows[i], places)};
      unknown.constant = add(join(sum(tableau.C.rows[i], state_), sum(tableau.D.rows[i], results)));
      solve.unknowns.push_back(std::move(unknown));
    }
    const int first = add_operation(std::move(solve));
    for (size_t i = 0; i < group.size(); ++i) results[group[i]] = first + static_cast<int>(i);
  }

  const algorithms::Rule& rule_;
  Program program_;
  std::vector<int> state_;
  std::ptrdiff_t modules_before_ = 0;   // this step's
  std::map<std::string, int> learned_;  // by text
};

// By value, whether it costs nothing: the last output needs it, or it combines such values with known weights.
std::vector<bool> free_outputs(const Program& program, const std::vector<std::vector<int>>& outputs) {
  std::vector<bool> needed(program.values);
  needed[outputs.back().back()] = true;
  const auto mark = [&](int value) { needed[value] = true; };
  for (auto operation = program.operations.rbegin(); operation != program.operations.rend(); ++operation) {
    bool any = false;
    for (int i = 0; i < results(*operation); ++i) any |= needed[operation->value + i];
    if (any) for_each_read(*operation, mark);
  }
  for (const Operation& operation : program.operations) {
    const auto* combine = std::get_if<Combine>(&operation.what);
    if (!combine || combine->terms.empty() || needed[operation.value]) continue;
    needed[operation.value] = std::all_of(combine->terms.begin(), combine->terms.end(),
                                          [&](const Term& term) { return term.is_constant() && needed[term.value]; });
  }
  return needed;
}

std::string term_text(const Term& term, const std::vector<Scalar>& learned, const std::string& of) {
  if (term.is_one()) return of;
  return concat(term.is_constant() ? base::number_text(term.weight) : concat("(", learned[term.learned].text(), ")"),
                " ", of);
}

std::string sum_text(const Terms& terms, const std::vector<Scalar>& learned, const std::string& mark) {
  std::vector<std::string> texts;
  for (const Term& term : terms) texts.push_back(term_text(term, learned, concat(mark, term.value)));
  return texts.empty() ? "0" : base::join(texts, " + ");
}

}  // namespace

int results(const Operation& operation) {
  const auto* solve = std::get_if<Solve>(&operation.what);
  return solve ? static_cast<int>(solve->unknowns.size()) : 1;
}

std::set<algorithms::Leaf> Program::leaves() const {
  std::set<algorithms::Leaf> leaves;
  for (const Scalar& weight : learned) weight.collect_leaves(leaves);
  return leaves;
}

bool Program::solves() const {
  return std::any_of(operations.begin(), operations.end(),
                     [](const Operation& operation) { return std::holds_alternative<Solve>(operation.what); });
}

std::vector<Program> make_programs(const algorithms::Rule& rule, const std::vector<int>& steps, Outputs outputs) {
  Unrolling run(rule);
  std::vector<size_t> ends = {0};             // of each stage's operations, after a zero
  std::vector<std::vector<int>> after_steps;  // by stage the output after each of its steps
  int k = 0;
  for (const int count : steps) {
    std::vector<int>& after = after_steps.emplace_back();
    for (int step = 0; step < count; ++step, ++k) {
      run.step(k, step);
      after.push_back(run.output(k + 1));
      const bool last = after_steps.size() == steps.size() && step + 1 == count;
      if (after.back() < 0 && (last || outputs == Outputs::every)) {
        throw base::ConfigError(concat("after ", k + 1, " steps the output of rule '", rule.name(), "' is still zero"),
                                "more steps, or another start");
      }
    }
    ends.push_back(run.program().operations.size());
  }
  const Program& all = run.program();
  const int last = after_steps.back().back();
  std::vector<bool> wanted(all.values, outputs == Outputs::every);
  if (outputs == Outputs::free) wanted = free_outputs(all, after_steps);

  std::vector<Program> programs(steps.size());
  std::vector<int> handed_on;
  for (size_t stage = steps.size(); stage-- > 0;) {
    std::vector<int> read;
    if (outputs == Outputs::last) {
      if (stage + 1 == steps.size()) read.push_back(last);
    } else {
      std::copy_if(after_steps[stage].begin(), after_steps[stage].end(), std::back_inserter(read),
                   [&](int value) { return value >= 0 && wanted[value]; });
    }
    const auto iterates = static_cast<int>(read.size());
    read.insert(read.end(), handed_on.begin(), handed_on.end());
    Program part = part_of(all, ends[stage], ends[stage + 1], read, &handed_on, stage == 0);
    part.iterates = iterates;
    programs[stage] = drop_unread(reuse_arguments(merge_equal(part)));
  }
  return programs;
}

std::string text(const Program& program, const std::vector<std::string>& families) {
  std::string lines;
  const auto module = [&](int number) {
    const ModuleUse& use = program.modules[number];
    return concat(families[use.family], "[", use.step, use.fresh < 0 ? "" : concat(",", use.fresh), "]");
  };
  for (const Operation& operation : program.operations) {
    if (const auto* combine = std::get_if<Combine>(&operation.what)) {
      lines += concat("%", operation.value, " = ", sum_text(combine->terms, program.learned, "%"), "\n");
    } else if (const auto* call = std::get_if<Call>(&operation.what)) {
      lines += concat("%", operation.value, " = ", module(call->module), "(%", call->argument, ")\n");
    } else {
      const auto& unknowns = std::get<Solve>(operation.what).unknowns;
      for (size_t i = 0; i < unknowns.size(); ++i) {
        const Unknown& unknown = unknowns[i];
        const std::string constant = unknown.constant < 0 ? "" : concat("%", unknown.constant, " + ");
        lines += concat(i == 0 ? "solve " : "      ", "%", operation.value + static_cast<int>(i), " = u", i, " = ",
                        module(unknown.module), "(", constant, sum_text(unknown.coupling, program.learned, "u"), ")\n");
      }
    }
  }
  std::vector<std::string> outputs;
  for (const int value : program.outputs) outputs.push_back(concat("%", value));
  return lines + concat("outputs ", base::join(outputs, ", "), "\n");
}

}  // namespace optdnn::execution
