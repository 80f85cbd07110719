#include "optdnn/execution/passes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace optdnn::execution {

namespace {

// Calls each(term) for every term of an operation, those between unknowns too.
template <class Each>
void for_each_term(Operation& operation, Each each) {
  if (auto* combine = std::get_if<Combine>(&operation.what)) {
    for (Term& term : combine->terms) each(term);
  } else if (auto* solve = std::get_if<Solve>(&operation.what)) {
    for (Unknown& unknown : solve->unknowns) {
      for (Term& term : unknown.coupling) each(term);
    }
  }
}

template <class Each>
void for_each_module(Operation& operation, Each each) {
  if (auto* call = std::get_if<Call>(&operation.what)) {
    each(call->module);
  } else if (auto* solve = std::get_if<Solve>(&operation.what)) {
    for (Unknown& unknown : solve->unknowns) each(unknown.module);
  }
}

// The entries of `all` that are used, in their order; `used` becomes their new numbers.
template <class Entry>
std::vector<Entry> keep_used(const std::vector<Entry>& all, std::vector<int>& used) {
  std::vector<Entry> kept;
  for (size_t i = 0; i < all.size(); ++i) {
    if (used[i] == 0) continue;
    used[i] = static_cast<int>(kept.size());
    kept.push_back(all[i]);
  }
  return kept;
}

// The program without operations, to which others are added.
Program begun_as(const Program& program) {
  Program begun = program;
  begun.operations.clear();
  begun.values = program.inputs;
  return begun;
}

// Appends, and notes where its results are found.
void append(Operation operation, std::vector<int>& place, Program& program) {
  const int count = results(operation);
  for (int i = 0; i < count; ++i) place[operation.value + i] = program.values + i;
  operation.value = program.values;
  program.operations.push_back(std::move(operation));
  program.values += count;
}

std::vector<int> places_of_inputs(const Program& program) {
  std::vector<int> place(program.values, -1);
  for (int value = 0; value < program.inputs; ++value) place[value] = value;
  return place;
}

void move_outputs(const std::vector<int>& place, Program& program) {
  for (int& output : program.outputs) output = place[output];
}

// `terms` less these parts, each once; nothing where one is missing.
std::optional<Terms> without(Terms terms, const Terms& parts) {
  for (const Term& part : parts) {
    const auto found = std::find(terms.begin(), terms.end(), part);
    if (found == terms.end()) return std::nullopt;
    terms.erase(found);
  }
  return terms;
}

}  // namespace

Program part_of(const Program& program, size_t first, size_t last, const std::vector<int>& outputs,
                std::vector<int>* read, bool keep_inputs) {
  std::vector<bool> needed(program.values);
  for (const int value : outputs) needed[value] = true;
  if (keep_inputs) std::fill_n(needed.begin(), program.inputs, true);
  std::vector<bool> kept(program.operations.size());
  for (size_t i = last; i-- > first;) {
    const Operation& operation = program.operations[i];
    for (int j = 0; j < results(operation); ++j) kept[i] = kept[i] || needed[operation.value + j];
    if (kept[i]) for_each_read(operation, [&](int value) { needed[value] = true; });
  }
  Program part;
  std::vector<int> place(program.values, -1), before;
  const int begin = first < program.operations.size() ? program.operations[first].value : program.values;
  for (int value = 0; value < begin; ++value) {
    if (!needed[value]) continue;
    place[value] = part.inputs++;
    before.push_back(value);
  }
  part.values = part.inputs;
  std::vector<int> modules(program.modules.size()), learned(program.learned.size());  // 1 where it is used
  std::vector<Operation> operations;
  for (size_t i = first; i < last; ++i) {
    if (!kept[i]) continue;
    Operation& operation = operations.emplace_back(program.operations[i]);
    for_each_module(operation, [&](int module) { modules[module] = 1; });
    for_each_term(operation, [&](const Term& term) {
      if (!term.is_constant()) learned[term.learned] = 1;
    });
  }
  part.modules = keep_used(program.modules, modules);
  part.learned = keep_used(program.learned, learned);
  for (Operation& operation : operations) {
    for_each_read(operation, [&](int& value) { value = place[value]; });
    for_each_module(operation, [&](int& module) { module = modules[module]; });
    for_each_term(operation, [&](Term& term) {
      if (!term.is_constant()) term.learned = learned[term.learned];
    });
    append(std::move(operation), place, part);
  }
  part.outputs = outputs;
  part.iterates = program.iterates;
  move_outputs(place, part);
  if (read) *read = std::move(before);
  return part;
}

Program drop_unread(const Program& program) {
  return part_of(program, 0, program.operations.size(), program.outputs, nullptr, true);
}

Program merge_equal(const Program& program) {
  Program merged = begun_as(program);
  std::vector<int> place = places_of_inputs(program);
  std::map<std::vector<std::tuple<int, double, int>>, int> known;
  int zero = -1;
  for (Operation operation : program.operations) {
    for_each_read(operation, [&](int& value) { value = place[value]; });
    auto* combine = std::get_if<Combine>(&operation.what);
    if (!combine) {
      append(std::move(operation), place, merged);
      continue;
    }
    Terms terms;
    for (const Term& term : combine->terms) {
      const auto same = std::find_if(terms.begin(), terms.end(), [&](const Term& other) {
        return other.value == term.value && other.is_constant() && term.is_constant();
      });
      same == terms.end() ? terms.push_back(term) : void(same->weight += term.weight);
    }
    // A coefficient stays, though it multiplies zero: which ones a stage has does not depend on passes.
    std::erase_if(terms,
                  [&](const Term& term) { return term.is_constant() && (term.weight == 0.0 || term.value == zero); });
    if (terms.size() == 1 && terms.front().is_one()) {
      place[operation.value] = terms.front().value;
      continue;
    }
    std::vector<std::tuple<int, double, int>> key;
    for (const Term& term : terms) key.emplace_back(term.value, term.weight, term.learned);
    const auto [found, is_new] = known.try_emplace(std::move(key), merged.values);
    place[operation.value] = found->second;
    if (!is_new) continue;
    if (terms.empty()) zero = merged.values;
    combine->terms = std::move(terms);
    append(std::move(operation), place, merged);
  }
  move_outputs(place, merged);
  return merged;
}

Program reuse_arguments(const Program& program) {
  Program reusing = program;
  std::vector<const Terms*> terms_of(program.values);  // of the combinations
  std::vector<int> arguments;                          // of the latest step that has calls
  int step = -1;
  for (Operation& operation : reusing.operations) {
    if (const auto* call = std::get_if<Call>(&operation.what)) {
      if (program.modules[call->module].step != step) arguments.clear();
      step = program.modules[call->module].step;
      if (terms_of[call->argument] && terms_of[call->argument]->size() > 1) arguments.push_back(call->argument);
    }
    auto* combine = std::get_if<Combine>(&operation.what);
    if (!combine) continue;
    terms_of[operation.value] = &combine->terms;
    for (const int argument : arguments) {
      auto rest = without(combine->terms, *terms_of[argument]);
      if (!rest) continue;
      rest->insert(rest->begin(), {argument, 1.0});
      combine->terms = std::move(*rest);
      break;
    }
  }
  return reusing;
}

std::vector<std::vector<int>> last_reads(const Program& program) {
  const auto count = program.operations.size();
  std::vector<size_t> last(program.values, 0);
  for (size_t i = 0; i < count; ++i) {
    for (int j = 0; j < results(program.operations[i]); ++j) last[program.operations[i].value + j] = i;
    for_each_read(program.operations[i], [&](int value) { last[value] = i; });
  }
  for (const int output : program.outputs) last[output] = count;
  std::vector<std::vector<int>> reads(count);
  for (int value = 0; value < program.values; ++value) {
    if (last[value] < count) reads[last[value]].push_back(value);
  }
  return reads;
}

int most_values(const Program& program) {
  const auto reads = last_reads(program);
  int there = program.inputs, most = there;
  for (size_t i = 0; i < reads.size(); ++i) {
    there += results(program.operations[i]);
    most = std::max(most, there);
    there -= static_cast<int>(reads[i].size());
  }
  return most;
}

}  // namespace optdnn::execution
