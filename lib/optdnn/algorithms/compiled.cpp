#include "optdnn/algorithms/compiled.h"

#include <algorithm>
#include <cstdlib>
#include <tuple>

#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;

namespace {

constexpr size_t kMaxKeptSteps = 1024;
constexpr size_t kMaxStates = 256;  // of a rule that does not grow
constexpr int kProbedSteps = 4;
constexpr int kMaxProbedVisits = 1000000;

// How far indices and bounds reach, and whether a sum grows with k.
struct Extent {
  int index = 0, bound = 0;
  bool growing = false;
};

void measure(const Expression& node, Extent& extent) {
  for (const Index& index : node.indices) {
    int& reach = node.kind == Expression::Kind::sum ? extent.bound : extent.index;
    reach = std::max(reach, std::abs(index.constant));
  }
  if (node.kind == Expression::Kind::sum) extent.growing |= !Bindings{}.is_window(node);
  for (const Expression& child : node.children) measure(child, extent);
}

void note_appearance(const Expression& node, std::vector<int>& order) {
  const bool line = node.role == Expression::Role::state || node.role == Expression::Role::intermediate;
  if (line && std::find(order.begin(), order.end(), node.entry) == order.end()) order.push_back(node.entry);
  for (const Expression& child : node.children) note_appearance(child, order);
}

// The forms behind an item that this step computes: none if it does not.
const Form* computed(const Step& step, const Item& item) {
  if (const auto call = step.calls.find(item); call != step.calls.end()) return &call->second.form;
  return nullptr;
}

}  // namespace

std::shared_ptr<const Step> Compiled::step(int k) const {
  const auto known = steps.find(k);
  if (known != steps.end()) return known->second;
  if (steps.size() >= kMaxKeptSteps) steps.clear();
  return steps.emplace(k, std::make_shared<Step>(unroll_step(options(), k, names))).first->second;
}

std::set<Item> Compiled::reads(const Step& step) const {
  std::set<Item> reads, seen;
  std::vector<const Form*> open;
  for (const auto& [item, form] : step.defined) {
    if (live.contains(item.name)) open.push_back(&form);
  }
  for (const auto& [item, site] : step.calls) {
    if (remembered.contains(item.name) && seen.insert(item).second) open.push_back(&site.form);
  }
  while (!open.empty()) {
    const Form& form = *open.back();
    open.pop_back();
    for (const auto& [item, weight] : form) {
      if (!seen.insert(item).second) continue;
      const Form* behind = computed(step, item);
      if (behind) open.push_back(behind);
      if (!behind) reads.insert(item);
    }
  }
  return reads;
}

Item Compiled::output_item(int k) const { return {output, false, parsed.lines[output].is_state ? k : k - 1}; }

std::vector<Item> Compiled::states(int k) const {
  if (!growing && k > 0) {  // the same values, k steps later
    std::vector<Item> later = states(0);
    for (Item& item : later) item.index += item.anchored ? 0 : k;
    return later;
  }
  std::set<Item> needed{output_item(k)}, produced;
  for (int ahead = k; ahead <= k + horizon; ++ahead) {
    const auto now = step(ahead);
    for (const Item& item : reads(*now)) {
      if (!produced.contains(item)) needed.insert(item);
    }
    for (const auto& [item, form] : now->defined) produced.insert(item);
    for (const auto& [item, site] : now->calls) produced.insert(item);
  }
  std::vector<Item> sorted(needed.begin(), needed.end());
  const int lines = static_cast<int>(parsed.lines.size());
  std::sort(sorted.begin(), sorted.end(), [&](const Item& a, const Item& b) {
    const auto key = [&](const Item& item) {
      return std::make_tuple(item.name < lines ? order[item.name] : item.name, item.anchored, -item.index);
    };
    return key(a) < key(b);
  });
  return sorted;
}

void analyse(Compiled& compiled) {
  Extent extent;
  std::vector<int> appearance;
  for (size_t i = 0; i < compiled.parsed.lines.size(); ++i) {
    const Line& line = compiled.parsed.lines[i];
    compiled.names.number(line.name);
    measure(line.right, extent);
    // The target counts as read first: it stands first.
    if (std::find(appearance.begin(), appearance.end(), static_cast<int>(i)) == appearance.end())
      appearance.push_back(static_cast<int>(i));
    note_appearance(line.right, appearance);
  }
  compiled.order.resize(appearance.size());
  for (size_t i = 0; i < appearance.size(); ++i) compiled.order[appearance[i]] = static_cast<int>(i);
  compiled.growing = extent.growing;
  compiled.horizon = 2 + extent.index + kMaxSumNesting * extent.bound;

  int probed = compiled.growing ? compiled.horizon + kProbedSteps : kProbedSteps;
  for (int k = 0; k < probed && !compiled.growing; ++k) compiled.growing = compiled.step(k)->remembers_anchored;
  if (compiled.growing && !extent.growing) {
    compiled.steps.clear();
    probed = compiled.horizon + kProbedSteps;
  }

  for (int k = 0, visits = 0; k < probed; ++k) {
    visits += compiled.step(k)->visits;
    if (visits > kMaxProbedVisits) {
      throw StepError{compiled.parsed.lines.front().target, "the first steps of this rule have too many terms",
                      "shorter sums, or indices and bounds closer to k"};
    }
  }

  // What leads to the output: followed backwards until nothing new is met.
  compiled.live = {compiled.output};
  const int lines = static_cast<int>(compiled.parsed.lines.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (int k = 0; k < probed; ++k) {
      for (const Item& item : compiled.reads(*compiled.step(k))) {
        changed |= (item.name < lines ? compiled.live : compiled.remembered).insert(item.name).second;
      }
    }
  }

  compiled.is_constant = !compiled.growing;
  for (int k = 0; k < probed; ++k) {
    const auto shared = compiled.step(k);
    const Step& step = *shared;
    std::vector<const Form*> wanted;
    for (const auto& [item, form] : step.defined) {
      if (compiled.live.contains(item.name)) wanted.push_back(&form);
    }
    std::vector<Item> calls;
    compiled.is_explicit &= order_calls(step, wanted, calls);
    for (const Item& call : calls) wanted.push_back(&step.calls.at(call).form);
    for (const Form* form : wanted) {
      for (const auto& [item, weight] : *form) compiled.is_constant &= !weight.varies;
    }
  }
  if (!compiled.growing && compiled.states(0).size() > kMaxStates) {
    throw StepError{compiled.parsed.lines.front().target, concat("the state has more than ", kMaxStates, " parts"),
                    "look back over fewer steps"};
  }
}

bool order_calls(const Step& step, const std::vector<const Form*>& wanted, std::vector<Item>& calls) {
  std::map<Item, std::set<Item>> waits_for;
  std::vector<const Form*> open = wanted;
  while (!open.empty()) {
    const Form& form = *open.back();
    open.pop_back();
    for (const auto& [item, weight] : form) {
      const Form* behind = computed(step, item);
      if (!behind || waits_for.contains(item)) continue;
      std::set<Item>& before = waits_for[item];
      for (const auto& [other, other_weight] : *behind) {
        if (step.calls.contains(other)) before.insert(other);
      }
      open.push_back(behind);
    }
  }

  // A call on a cycle, when nothing else is left, is one with the fewest calls before it, so that what merely follows
  // the cycle comes after it.
  bool is_explicit = true;
  std::set<Item> done;
  const auto ancestors = [&](const Item& call) {
    std::set<Item> met;
    std::vector<Item> stack{call};
    while (!stack.empty()) {
      const Item item = stack.back();
      stack.pop_back();
      for (const Item& before : waits_for[item]) {
        if (!done.contains(before) && met.insert(before).second) stack.push_back(before);
      }
    }
    return met.size();
  };
  while (done.size() < waits_for.size()) {
    const size_t before = done.size();
    for (const auto& [call, needs] : waits_for) {
      if (done.contains(call) ||
          !std::all_of(needs.begin(), needs.end(), [&](const Item& n) { return done.contains(n); }))
        continue;
      calls.push_back(call);
      done.insert(call);
    }
    if (done.size() > before) continue;
    is_explicit = false;
    const Item* next = nullptr;
    size_t fewest = 0;
    for (const auto& [call, needs] : waits_for) {
      if (done.contains(call)) continue;
      const size_t count = ancestors(call);
      if (!next || count < fewest) next = &call, fewest = count;
    }
    calls.push_back(*next);
    done.insert(*next);
  }
  return is_explicit;
}

}  // namespace optdnn::algorithms
