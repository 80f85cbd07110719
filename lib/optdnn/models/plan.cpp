#include "optdnn/models/plan.h"

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::models {

using algorithms::CallGroup;
using algorithms::Row;
using algorithms::Scalar;
using algorithms::Tableau;
using Source = PlannedTerm::Source;

namespace {

void mark(const Row& row, std::vector<bool>& used) {
  for (const auto& term : row) used[term.column] = true;
}

void append(const Row& row, Source source, const std::vector<bool>& nonzero, Combination& terms) {
  for (const auto& term : row) {
    if (nonzero[term.column]) terms.push_back({source, term.column, term.value});
  }
}

bool same_weight(const Scalar& a, const Scalar& b) {
  if (a.is_constant() != b.is_constant()) return false;
  return a.is_constant() ? a.constant() == b.constant() : a.text() == b.text();
}

bool contains(const Combination& whole, const PlannedTerm& term) {
  return std::any_of(whole.begin(), whole.end(), [&](const PlannedTerm& other) {
    return other.source == term.source && other.index == term.index && same_weight(other.weight, term.weight);
  });
}

// Where `terms` contains a whole argument of two or more terms, that argument stands in for them:
// apg2's x+ = (1-theta) x + theta z + delta u becomes y + delta u.
void reuse_arguments(const std::vector<PlannedCall>& calls, Combination& terms) {
  for (size_t i = 0; i < calls.size(); ++i) {
    const Combination& argument = calls[i].argument;
    if (!calls[i].live || !calls[i].coupling.empty() || argument.size() < 2) continue;
    if (!std::all_of(argument.begin(), argument.end(), [&](auto& term) { return contains(terms, term); })) continue;
    std::erase_if(terms, [&](const PlannedTerm& term) { return contains(argument, term); });
    terms.insert(terms.begin(), {Source::argument, static_cast<int>(i), Scalar(1.0)});
    return;
  }
}

struct Liveness {
  std::vector<bool> next;   // states after the step that are read
  std::vector<bool> calls;  // results that are read
};

// Walks back from what is read after the step to what it reads.
Liveness find_live(const Tableau& tableau, const std::vector<CallGroup>& groups, const std::vector<bool>& read_after,
                   std::vector<bool>& read_before) {
  Liveness live{read_after, std::vector<bool>(tableau.calls.size(), false)};
  read_before.assign(tableau.states.size(), false);
  for (size_t i = 0; i < tableau.next_states.size(); ++i) {
    if (!live.next[i]) continue;
    mark(tableau.A.rows[i], read_before);
    mark(tableau.B.rows[i], live.calls);
  }
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    if (std::none_of(group->calls.begin(), group->calls.end(), [&](int i) { return live.calls[i]; })) continue;
    for (const int i : group->calls) {
      mark(tableau.C.rows[i], read_before);
      mark(tableau.D.rows[i], live.calls);
    }
  }
  return live;
}

// Moves the terms of a call of an implicit group that are results of that group to `coupling`.
void split(const std::vector<int>& group, PlannedCall& call) {
  std::erase_if(call.argument, [&](PlannedTerm term) {
    const auto found = std::find(group.begin(), group.end(), term.index);
    if (term.source != Source::result || found == group.end()) return false;
    term.index = static_cast<int>(found - group.begin());
    call.coupling.push_back(std::move(term));
    return true;
  });
}

PlannedStep plan_step(const Tableau& tableau, const std::vector<CallGroup>& groups, const Liveness& live,
                      const std::vector<bool>& nonzero) {
  PlannedStep step;
  const std::vector<bool> every_result(tableau.calls.size(), true);
  for (size_t i = 0; i < tableau.calls.size(); ++i) {
    PlannedCall call{tableau.calls[i].family, tableau.calls[i].fresh, live.calls[i], {}, {}};
    append(tableau.C.rows[i], Source::state, nonzero, call.argument);
    append(tableau.D.rows[i], Source::result, every_result, call.argument);
    step.calls.push_back(std::move(call));
  }
  for (const CallGroup& group : groups) {
    if (!live.calls[group.calls.front()]) continue;
    step.order.push_back(group);
    if (!group.implicit) continue;
    for (const int i : group.calls) split(group.calls, step.calls[i]);
  }
  for (size_t i = 0; i < tableau.next_states.size(); ++i) {
    Combination terms;
    if (live.next[i]) {
      append(tableau.A.rows[i], Source::state, nonzero, terms);
      append(tableau.B.rows[i], Source::result, every_result, terms);
      reuse_arguments(step.calls, terms);
    }
    step.next.push_back(std::move(terms));
  }
  return step;
}

void collect(const Combination& terms, std::set<algorithms::Leaf>& leaves) {
  for (const auto& term : terms) term.weight.collect_leaves(leaves);
}

}  // namespace

Plan make_plan(const algorithms::Rule& rule, int depth, bool every_output) {
  std::vector<Tableau> tableaux;
  std::vector<std::vector<CallGroup>> groups;
  for (int k = 0; k < depth; ++k) {
    tableaux.push_back(rule.step(k));
    groups.push_back(algorithms::call_groups(tableaux.back()));
  }

  std::vector<bool> read(tableaux.back().next_states.size(), false);
  std::vector<Liveness> live(depth);
  for (int k = depth; k-- > 0;) {
    if (every_output || k + 1 == depth) mark(rule.output(k + 1), read);
    std::vector<bool> read_before;
    live[k] = find_live(tableaux[k], groups[k], read, read_before);
    read = read_before;
  }

  Plan plan;
  plan.start.assign(tableaux.front().states.size(), 0.0);
  for (const auto& term : rule.start()) plan.start[term.column] = term.value.constant();
  std::vector<bool> nonzero(plan.start.size());
  std::transform(plan.start.begin(), plan.start.end(), nonzero.begin(), [](double weight) { return weight != 0.0; });
  for (int k = 0; k < depth; ++k) {
    plan.steps.push_back(plan_step(tableaux[k], groups[k], live[k], nonzero));
    nonzero.clear();
    for (const Combination& terms : plan.steps.back().next) nonzero.push_back(!terms.empty());
    Combination& output = plan.outputs.emplace_back();
    const Row row = rule.output(k + 1);
    const bool kept = std::all_of(row.begin(), row.end(), [&](const auto& term) { return live[k].next[term.column]; });
    if (kept) append(row, Source::state, nonzero, output);
    if ((every_output || k + 1 == depth) && output.empty()) {
      throw base::ConfigError(
          base::concat("after ", k + 1, " steps the output of rule '", rule.name(), "' is still zero"),
          "more steps, or another start");
    }
  }
  return plan;
}

std::set<algorithms::Leaf> plan_leaves(const Plan& plan, int first, int count) {
  std::set<algorithms::Leaf> leaves;
  for (int k = first; k < first + count; ++k) {
    for (const PlannedCall& call : plan.steps[k].calls) {
      if (!call.live) continue;
      collect(call.argument, leaves);
      collect(call.coupling, leaves);
    }
    for (const Combination& terms : plan.steps[k].next) collect(terms, leaves);
  }
  if (first + count == static_cast<int>(plan.steps.size())) collect(plan.outputs.back(), leaves);
  return leaves;
}

}  // namespace optdnn::models
