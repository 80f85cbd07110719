#include "optdnn/algorithms/unroll.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "optdnn/algorithms/call_text.h"
#include "optdnn/algorithms/eliminate.h"
#include "optdnn/algorithms/given_values.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;
using Kind = Expression::Kind;
using Role = Expression::Role;

namespace {

constexpr int kMaxVisits = 400000;    // nodes evaluated in one step
constexpr int kMaxStartNesting = 16;  // intermediates that need each other's start
constexpr double kSame = 1e-12;       // rounding of what cancels
const Item kInput{-1, false, 0};      // the stage's input, in forms before step 0

class Unroller {
 public:
  Unroller(const UnrollOptions& options, int k, NameList& names) : options_(options), names_(names), bindings_{k, {}} {
    step_.k = k;
  }

  Step unroll() {
    for (size_t i = 0; i < options_.parsed.lines.size(); ++i) {
      const Line& line = options_.parsed.lines[i];
      Form form;
      accumulate(line.right, {Scalar(1.0)}, form);
      step_.defined[{static_cast<int>(i), false, line.is_state ? k() + 1 : k()}] = std::move(form);
    }
    forget_earlier_calls();
    eliminate_unknowns(step_, options_.parsed, [this](const Leaf& leaf) { return start_of(leaf); });
    step_.visits = visits_;
    return std::move(step_);
  }

  Scalar start_of_intermediate(int line, int index) {
    const Line& of = options_.parsed.lines[line];
    if (const auto given = options_.start.find(of.name); given != options_.start.end()) return given->second;
    if (const auto known = starts_.find({line, index}); known != starts_.end()) return known->second;
    const bool repeats = std::find(starting_.begin(), starting_.end(), line) != starting_.end();
    if (repeats || static_cast<int>(starting_.size()) == kMaxStartNesting) {
      throw StepError{of.target, concat("'", of.name, "' needs its own value from before step 0"),
                      concat("give it one: start: {", of.name, ": 0}")};
    }
    starting_.push_back(line);
    const Bindings outer = std::exchange(bindings_, {index, {}});
    Form form;
    accumulate(of.right, {Scalar(1.0)}, form);
    bindings_ = outer;
    starting_.pop_back();
    Scalar start;
    for (const auto& [item, weight] : form) start = start + weight.value;
    return starts_[{line, index}] = number_if_same(start);
  }

 private:
  int k() const { return bindings_.k; }
  bool before_start() const { return !starting_.empty(); }
  // A number where the coefficients cancel, as in 1 + b - b: where it is the same at other values of theirs.
  Scalar number_if_same(const Scalar& scalar) const {
    std::set<Leaf> leaves;
    scalar.collect_leaves(leaves);
    std::map<Leaf, double> others;
    for (const Leaf& leaf : leaves) others[leaf] = start_of(leaf) + 1.0 / (1.7 + static_cast<double>(others.size()));
    const auto value = scalar.evaluate<double>([this](const Leaf& leaf) { return start_of(leaf); });
    const auto other = scalar.evaluate<double>([&](const Leaf& leaf) { return others.at(leaf); });
    return std::abs(other - value) <= kSame * std::max(1.0, std::abs(value)) ? Scalar(value) : scalar;
  }
  double start_of(const Leaf& leaf) const {
    return initial_value(options_.coefficients[leaf.coefficient], leaf.indices, {});
  }

  void visit(const Expression& node) {
    if (++visits_ > kMaxVisits) {
      throw StepError{node.place, concat("the sums expand to more than ", kMaxVisits, " terms"), "use a smaller depth"};
    }
  }

  Weight scalar(const Expression& node) {
    visit(node);
    switch (node.kind) {
      case Kind::number:
        return {node.number};
      case Kind::negate: {
        const Weight child = scalar(node.children[0]);
        return {Scalar(-1.0) * child.value, child.varies};
      }
      case Kind::multiply:
      case Kind::divide: {
        const Weight a = scalar(node.children[0]), b = scalar(node.children[1]);
        return {node.kind == Kind::multiply ? a.value * b.value : a.value / divisor(node.children[1], b),
                a.varies || b.varies};
      }
      case Kind::add:
      case Kind::sum: {
        Weight total;
        for_each_term(node, [&](const Expression& term) {
          const bool subtracts = term.kind == Kind::negate;
          const Weight weight = scalar(subtracts ? term.children[0] : term);
          total = {subtracts ? total.value - weight.value : total.value + weight.value, total.varies || weight.varies};
        });
        if (node.kind == Kind::sum && !bindings_.is_window(node)) total.varies = true;
        return total;
      }
      default:
        return named(node);
    }
  }

  Scalar divisor(const Expression& node, const Weight& weight) const {
    if (weight.value.is_zero())
      throw StepError{node.place, concat("division by zero at k = ", k()), "k starts at 0, as in 1/(k + 1)"};
    return weight.value;
  }

  // Calls `use` with every term; with a sum's variable bound to its values in turn.
  template <class Use>
  void for_each_term(const Expression& node, Use use) {
    if (node.kind == Kind::add) {
      for (const Expression& child : node.children) use(child);
      return;
    }
    bindings_.for_each(node, [&] { use(node.children[0]); });
  }

  Weight named(const Expression& node) const {
    if (node.role == Role::step) return {static_cast<double>(k()), true};
    if (node.role == Role::variable) {
      const Bindings::Variable& variable = bindings_.variable(node.name);
      return {static_cast<double>(variable.value), variable.moves != Bindings::Moves::no};
    }
    const Coefficient& coefficient = options_.coefficients[node.entry];
    if (coefficient.learn == Learn::shared) return {Scalar::leaf({node.entry, {}})};
    if (coefficient.learn == Learn::no && coefficient.value) return {*coefficient.value};
    std::vector<int> indices;
    for (const Index& index : node.indices) indices.push_back(bindings_.value(index).value);
    if (indices.empty()) indices.push_back(k());
    const double start = initial_value(coefficient, indices, node.place);
    if (coefficient.learn == Learn::no) return {start, true};
    return {Scalar::leaf({node.entry, std::move(indices)}), true};
  }

  // form += factor * node, for a node that is linear.
  void accumulate(const Expression& node, const Weight& factor, Form& form) {
    visit(node);
    switch (node.kind) {
      case Kind::name:
        return accumulate_state(node, factor, form);
      case Kind::call:
        return accumulate_call(node, factor, form);
      case Kind::negate:
        return accumulate(node.children[0], {Scalar(-1.0) * factor.value, factor.varies}, form);
      case Kind::add:
      case Kind::sum:
        return for_each_term(node, [&](const Expression& term) { accumulate(term, factor, form); });
      case Kind::divide: {
        const Weight below = scalar(node.children[1]);
        return accumulate(node.children[0],
                          {factor.value / divisor(node.children[1], below), factor.varies || below.varies}, form);
      }
      default: {
        const bool left = node.children[0].linear;
        const Weight weight = scalar(node.children[left ? 1 : 0]);
        return accumulate(node.children[left ? 0 : 1], {factor.value * weight.value, factor.varies || weight.varies},
                          form);
      }
    }
  }

  void accumulate_state(const Expression& node, const Weight& factor, Form& form) {
    const Line& line = options_.parsed.lines[node.entry];
    const IndexValue index = bindings_.value(node.indices[0]);
    if (index.is_absolute && (index.value > 0 || !line.is_state)) {
      throw StepError{node.place, concat("bad index: at step 0 nothing is known of ", line.name, "[", index.value, "]"),
                      concat("only ", line.name, "[0] may be written without k")};
    }
    if (!index.is_absolute && index.value > (line.is_state ? k() + 1 : k())) {
      throw StepError{
          node.place,
          concat("bad index: at k = ", k(), " this is ", line.name, "[", index.value, "], which lies in the future"),
          "the newest value is the one this step computes"};
    }
    if (before_start()) {
      const Scalar start =
          line.is_state ? start_of_state(options_, node.entry) : start_of_intermediate(node.entry, index.value);
      return add_to(form, kInput, {factor.value * start, factor.varies});
    }
    Item item{node.entry, false, index.value};
    if (const auto known = step_.defined.find(item); known != step_.defined.end())
      return add_to(form, known->second, factor);
    if (!line.is_state && index.value == k()) {
      throw StepError{node.place, concat("'", line.name, "[k]' is used before its line"), "move its line up"};
    }
    if (line.is_state && (options_.growing || index.is_absolute)) item.index = std::max(item.index, 0);
    item.anchored = index.is_absolute && !options_.growing;
    add_to(form, item, factor);
  }

  void accumulate_call(const Expression& node, const Weight& factor, Form& form) {
    if (before_start()) return;
    CallSite site;
    site.family = node.entry;
    accumulate(node.children[0], {Scalar(1.0)}, site.form);
    const CallText text = call_text(node, options_.coefficients, bindings_);
    visits_ += text.visits;
    Item item{names_.number(text.name), text.is_absolute && !options_.growing, text.base};
    site.argument = text.argument;
    if (!node.indices.empty()) {
      site.fresh = bindings_.value(node.indices[1]).value;
      if (site.fresh < 0)
        throw StepError{node.place, concat("bad index: at k = ", k(), " this is ", node.name, "[k,", site.fresh, "]"),
                        "a fresh module's second index starts at 0"};
    }
    step_.calls.try_emplace(item, std::move(site));
    add_to(form, item, factor);
  }

  // Of calls that differ only by a shift of every index the latest is evaluated; the others stay as items of the past.
  void forget_earlier_calls() {
    struct Group {
      int latest, size = 0;
      bool anchored = false;
    };
    std::map<int, Group> groups;
    for (const auto& [item, site] : step_.calls) {
      if (site.fresh >= 0) continue;
      Group& group = groups.try_emplace(item.name, Group{item.index}).first->second;
      group.latest = std::max(group.latest, item.index);
      group.anchored |= item.anchored;
      step_.remembers_anchored |= ++group.size > 1 && group.anchored;
    }
    std::erase_if(step_.calls, [&](const auto& call) {
      return call.second.fresh < 0 && call.first.index < groups.at(call.first.name).latest;
    });
  }

  const UnrollOptions& options_;
  NameList& names_;
  Bindings bindings_;
  Step step_;
  int visits_ = 0;
  std::vector<int> starting_;                     // lines whose start is being computed
  std::map<std::pair<int, int>, Scalar> starts_;  // by line and index
};

}  // namespace

int NameList::number(const std::string& name) {
  const auto [entry, is_new] = numbers_.try_emplace(name, size());
  if (is_new) texts_.push_back(name);
  return entry->second;
}

double initial_value(const Coefficient& coefficient, const std::vector<int>& indices, Place place) {
  const std::optional<double> value = given_value(coefficient, indices);
  if (value && std::isfinite(*value)) return *value;
  const bool negative = std::any_of(indices.begin(), indices.end(), [](int index) { return index < 0; });
  std::vector<std::string> texts;
  for (const int index : indices) texts.push_back(std::to_string(index));
  if (coefficient.sequence.empty()) {
    throw StepError{place,
                    concat("'", coefficient.name, "' = ", given_text(coefficient),
                           " is not defined at k = ", base::join(texts, ",")),
                    negative ? "lists and formulas start at k = 0; shift the index, as in b[k+1]"
                             : "its value has to be finite: where it divides by zero, shift it, as in 1/(k+1)"};
  }
  throw StepError{place,
                  concat("sequence '", coefficient.sequence, "' of '", coefficient.name, "' has no value at [",
                         base::join(texts, ","), "]"),
                  negative ? "sequences start at index 0; shift the index, as in b[k+1]"
                           : "its second index is smaller than its first, as in h[k+1,j] with j <= k"};
}

Step unroll_step(const UnrollOptions& options, int k, NameList& names) { return Unroller(options, k, names).unroll(); }

double start_of_state(const UnrollOptions& options, int line) {
  const auto given = options.start.find(options.parsed.lines[line].name);
  return given == options.start.end() ? 1.0 : given->second;
}

Scalar start_of_intermediate(const UnrollOptions& options, int line, int index, NameList& names) {
  return Unroller(options, index, names).start_of_intermediate(line, index);
}

}  // namespace optdnn::algorithms
