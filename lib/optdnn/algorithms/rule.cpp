#include "optdnn/algorithms/rule.h"

#include <algorithm>
#include <cmath>

#include "optdnn/algorithms/call_text.h"
#include "optdnn/algorithms/check.h"
#include "optdnn/algorithms/compiled.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;

namespace {

constexpr int kMaxStep = 1000000;

// Runs `body` under the rule's lock; mistakes that only a step shows become errors with a place.
template <class Body>
auto with_lock(const Compiled& compiled, int k, Body body) {
  if (k < 0 || k > kMaxStep) throw base::ConfigError(concat("rule '", compiled.spec.name, "' has no step ", k));
  const std::lock_guard lock(compiled.mutex);
  try {
    return body();
  } catch (const StepError& error) {
    const std::string place = compiled.spec.locate(error.place.offset, error.place.length).text();
    throw base::ConfigError(concat(place, ": rule '", compiled.spec.name, "': ", error.message), error.hint);
  }
}

// Places items in the columns of a tableau; builds rows.
class Emitter {
 public:
  Emitter(const Compiled& compiled, int k)
      : compiled_(compiled),
        shared_step_(compiled.step(k)),
        step_(*shared_step_),
        before_(compiled.states(k)),
        after_(compiled.states(k + 1)) {}

  Tableau tableau() {
    std::vector<const Form*> wanted;
    for (const Item& item : after_) next_.push_back(next_form(item));
    for (const Form& form : next_) wanted.push_back(&form);
    std::vector<Item> calls;
    order_calls(step_, wanted, calls);
    for (size_t i = 0; i < before_.size(); ++i) state_column_[before_[i]] = static_cast<int>(i);
    for (size_t i = 0; i < calls.size(); ++i) call_column_[calls[i]] = static_cast<int>(i);

    Tableau tableau;
    tableau.A.columns = tableau.C.columns = static_cast<int>(before_.size());
    tableau.B.columns = tableau.D.columns = static_cast<int>(calls.size());
    for (const Form& form : next_) split(form, tableau.A, tableau.B);
    for (const Item& call : calls) {
      const CallSite& site = step_.calls.at(call);
      split(site.form, tableau.C, tableau.D);
      tableau.calls.push_back({site.family, site.fresh, text_of(site.argument, call)});
    }
    for (const Item& item : before_) tableau.states.push_back(label(item));
    for (const Item& item : after_) tableau.next_states.push_back(label(item));
    return tableau;
  }

 private:
  Form next_form(const Item& item) const {
    if (const auto defined = step_.defined.find(item); defined != step_.defined.end()) return defined->second;
    const bool carried = std::find(before_.begin(), before_.end(), item) != before_.end();
    if (carried || step_.calls.contains(item)) return {{item, {Scalar(1.0)}}};
    if (item.name >= static_cast<int>(compiled_.parsed.lines.size())) return {};  // a result that was never evaluated
    throw StepError{compiled_.parsed.lines[item.name].target, concat(label(item), " is read too late to be remembered"),
                    ""};
  }

  void split(const Form& form, Matrix& states, Matrix& calls) const {
    Row state_row, call_row;
    for (const auto& [item, weight] : form) {
      if (weight.value.is_zero()) continue;
      if (weight.value.is_constant() && !std::isfinite(weight.value.constant())) {
        throw StepError{compiled_.parsed.lines.front().target, concat("a weight at step ", step_.k, " is not finite"),
                        ""};
      }
      if (const auto call = call_column_.find(item); call != call_column_.end()) {
        call_row.push_back({call->second, weight.value});
      } else if (const auto state = state_column_.find(item); state != state_column_.end()) {
        state_row.push_back({state->second, weight.value});
      }
    }
    for (Row* row : {&state_row, &call_row}) {
      std::sort(row->begin(), row->end(), [](const Term& a, const Term& b) { return a.column < b.column; });
    }
    states.rows.push_back(std::move(state_row));
    calls.rows.push_back(std::move(call_row));
  }

  std::string label(const Item& item) const {
    const bool line = item.name < static_cast<int>(compiled_.parsed.lines.size());
    const std::string& name = compiled_.names.text(item.name);
    return text_of(line ? concat(name, "[{0}]") : name, item);
  }

  // An absolute x[0] is written so at step 0 too.
  std::string text_of(const std::string& name, const Item& item) const {
    const int k = item.anchored ? std::max(1, step_.k) : step_.k;
    return text_at(name, item.index, k, item.anchored || compiled_.growing);
  }

  const Compiled& compiled_;
  const std::shared_ptr<const Step> shared_step_;
  const Step& step_;
  std::vector<Item> before_, after_;
  std::vector<Form> next_;
  std::map<Item, int> state_column_, call_column_;
};

Row start_row(const Compiled& compiled) {
  Row start;
  const std::vector<Item> states = compiled.states(0);
  for (size_t i = 0; i < states.size(); ++i) {
    const int line = states[i].name;
    if (line >= static_cast<int>(compiled.parsed.lines.size())) continue;  // remembered results start at zero
    const UnrollOptions options = compiled.options();
    const Scalar weight = compiled.parsed.lines[line].is_state
                              ? start_of_state(options, line)
                              : start_of_intermediate(options, line, states[i].index, compiled.names);
    if (!weight.is_zero()) start.push_back({static_cast<int>(i), weight});
  }
  return start;
}

}  // namespace

Locate locate_in_text(std::string name, std::string text) {
  auto source = std::make_shared<base::SourceText>(base::SourceText{std::move(name), std::move(text)});
  return [source](size_t offset, size_t length) {
    const std::string_view before = std::string_view(source->text).substr(0, std::min(offset, source->text.size()));
    const size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    base::SourceSpan span{source, 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
                          1 + static_cast<int>(before.size() - line_start)};
    span.length = std::max<int>(1, static_cast<int>(std::min<size_t>(length, 4096)));
    return span;
  };
}

std::optional<Rule> make_rule(const RuleSpec& spec, base::Diagnostics& diagnostics) {
  auto compiled = std::make_shared<Compiled>();
  compiled->spec = spec;
  RuleSpec& known = compiled->spec;
  if (!known.locate) known.locate = locate_in_text(known.name, known.equations);
  if (!known.span.source) known.span = known.locate(0, 1);

  const int errors_before = diagnostics.errors();
  const Report report = [&](Place place, std::string message, std::string hint) {
    diagnostics.error(known.locate(place.offset, place.length), std::move(message), std::move(hint));
  };
  compiled->parsed = parse_equations(known.equations, report);
  const Names names = check_equations(compiled->parsed, known, report, diagnostics);
  if (diagnostics.errors() > errors_before) return std::nullopt;
  compiled->families = names.families;
  compiled->output = names.output;
  try {
    analyse(*compiled);
    Emitter(*compiled, 0).tableau();
    start_row(*compiled);
    return Rule(compiled);
  } catch (const StepError& error) {
    report(error.place, error.message, error.hint);
  } catch (const base::ConfigError& error) {
    diagnostics.error(known.span, error.what(), error.hint());
  }
  return std::nullopt;
}

const std::string& Rule::name() const { return compiled_->spec.name; }
const std::string& Rule::equations() const { return compiled_->spec.equations; }
const std::vector<std::string>& Rule::families() const { return compiled_->families; }
const std::vector<Coefficient>& Rule::coefficients() const { return compiled_->spec.coefficients; }
const std::string& Rule::output_name() const { return compiled_->parsed.lines[compiled_->output].name; }
const Equations& Rule::parsed() const { return compiled_->parsed; }
bool Rule::is_explicit() const { return compiled_->is_explicit; }
bool Rule::is_constant() const { return compiled_->is_constant; }

Tableau Rule::step(int k) const {
  return with_lock(*compiled_, k, [&] { return Emitter(*compiled_, compiled_->is_constant ? 0 : k).tableau(); });
}

Row Rule::start() const {
  return with_lock(*compiled_, 0, [&] { return start_row(*compiled_); });
}

Row Rule::output(int depth) const {
  return with_lock(*compiled_, depth, [&] {
    const int k = compiled_->is_constant ? 0 : depth;
    const std::vector<Item> states = compiled_->states(k);
    const auto found = std::find(states.begin(), states.end(), compiled_->output_item(k));
    return Row{{static_cast<int>(found - states.begin()), Scalar(1.0)}};
  });
}

double Rule::initial_value(const Leaf& leaf) const {
  constexpr double kEdge = 1e-3;
  return with_lock(*compiled_, 0, [&] {
    const Coefficient& coefficient = compiled_->spec.coefficients.at(leaf.coefficient);
    const double start = algorithms::initial_value(coefficient, leaf.indices, {});
    if (!coefficient.range || coefficient.learn == Learn::no) return start;
    const auto [low, high] = *coefficient.range;
    if (start < low || start > high) {
      std::vector<std::string> indices;
      for (const int index : leaf.indices) indices.push_back(std::to_string(index));
      throw StepError{
          {},
          concat("'", coefficient.name, "' starts at ", base::number_text(start), " at k = ", base::join(indices, ","),
                 ", outside its range [", base::number_text(low), ", ", base::number_text(high), "]"),
          "a learned value starts inside its range"};
    }
    const double edge = kEdge * (high - low);
    return std::clamp(start, low + edge, high - edge);
  });
}

void check_depth(const Rule& rule, int64_t depth) {
  if (depth <= kMaxGrowingDepth) return;
  constexpr int kSettled = 8;  // beyond any lag one would write, so that what still grows here grows for ever
  const Tableau step = rule.step(kSettled);
  if (step.next_states.size() <= step.states.size()) return;
  throw base::ConfigError(base::concat("the state of rule '", rule.name(), "' grows with every step; depth ", depth,
                                       " is more than the ", kMaxGrowingDepth, " such a rule may have"));
}

}  // namespace optdnn::algorithms
