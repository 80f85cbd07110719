#include "optdnn/algorithms/expression_check.h"

#include <algorithm>

#include "optdnn/algorithms/given_values.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;
using Kind = Expression::Kind;
using Role = Expression::Role;

namespace {

// What an expression is; `bad` where a mistake has been reported, `unknown` where a name waits for its neighbours to
// show whether a state or a coefficient was meant.
enum class Type { scalar, linear, unknown, bad };

class ExpressionChecker {
 public:
  ExpressionChecker(Equations& parsed, const RuleSpec& spec, const Report& report)
      : parsed_(parsed), spec_(spec), report_(report) {}

  void check_lines() {
    for (size_t i = 0; i < parsed_.lines.size(); ++i) check_target(i);
    for (line_ = 0; line_ < parsed_.lines.size(); ++line_) {
      Line& line = parsed_.lines[line_];
      if (settle(line.right) == Type::scalar) {
        report_(line.right.place, concat("not linear: a number alone is no value for '", line.name, "'"),
                "every term holds a state or a module, as in 0.5*x[k]");
      }
    }
    if (checked_.families.empty() && !failed_ && parsed_.is_complete) {
      report_(parsed_.lines.front().target, "the rule calls no module",
              "a module is capitalised, as in x[k+1] = x[k] + T(x[k])");
    }
  }

  CheckedExpressions checked_;

 private:
  template <class... Parts>
  Type fail(const Place& place, std::string hint, const Parts&... message) {
    failed_ = true;
    report_(place, concat(message...), std::move(hint));
    return Type::bad;
  }

  int find_line(std::string_view name) const {
    const auto found =
        std::find_if(parsed_.lines.begin(), parsed_.lines.end(), [&](const Line& l) { return l.name == name; });
    return found == parsed_.lines.end() ? -1 : static_cast<int>(found - parsed_.lines.begin());
  }
  int find_coefficient(std::string_view name) const {
    const auto& all = spec_.coefficients;
    const auto found = std::find_if(all.begin(), all.end(), [&](const Coefficient& c) { return c.name == name; });
    return found == all.end() ? -1 : static_cast<int>(found - all.begin());
  }
  std::vector<std::string> line_names() const {
    std::vector<std::string> names;
    for (const Line& line : parsed_.lines) names.push_back(line.name);
    return names;
  }

  void check_target(size_t i) {
    const Line& line = parsed_.lines[i];
    if (find_line(line.name) != static_cast<int>(i)) {
      fail(line.target, "one line per state and intermediate; give this one a name of its own", "'", line.name,
           "' is computed twice");
    } else if (find_coefficient(line.name) >= 0) {
      fail(line.target, "rename one of them", "'", line.name, "' is a coefficient and cannot be assigned");
    }
  }

  // The type of an expression that stands for itself: an unknown name there was meant as a state.
  Type settle(Expression& node) {
    const Type type = check(node);
    if (type != Type::unknown) return type;
    if (node.indices.empty()) return unknown_coefficient(node);
    if (!parsed_.is_complete) return Type::bad;  // its line may be one that could not be read
    const auto closest = base::closest_name(node.name, line_names());
    return fail(
        node.place,
        closest ? concat("did you mean '", *closest, "'? states: ", base::join(line_names(), ", "))
                : concat("a state needs a line ", node.name, "[k+1] = ..., a coefficient an entry under coefficients"),
        "undefined state '", node.name, "': no line computes it");
  }

  Type unknown_coefficient(const Expression& node) {
    const auto& unread = parsed_.unread;
    if (std::find(unread.begin(), unread.end(), node.name) != unread.end()) return Type::bad;
    std::vector<std::string> names;
    for (const Coefficient& c : spec_.coefficients) names.push_back(c.name);
    const auto closest = base::closest_name(node.name, names);
    return fail(node.place,
                closest ? concat("did you mean '", *closest, "'? coefficients: ", base::join(names, ", "))
                        : concat("declare it beside the equations, as in coefficients: {", node.name, ": 0.5}"),
                "unknown coefficient '", node.name, "'");
  }

  Type check(Expression& node) {
    const Type type = check_kind(node);
    node.linear = type == Type::linear;
    return type;
  }

  Type check_kind(Expression& node) {
    switch (node.kind) {
      case Kind::number:
        return Type::scalar;
      case Kind::name:
        return check_name(node);
      case Kind::call:
        return check_call(node);
      case Kind::negate:
        return settle(node.children[0]);
      case Kind::multiply:
        return check_product(node);
      case Kind::divide:
        return check_quotient(node);
      case Kind::add:
        return check_sum(node);
      case Kind::sum: {
        variables_.push_back(node.name);
        const Type type = settle(node.children[0]);
        variables_.pop_back();
        return type;
      }
    }
    return Type::bad;
  }

  Type check_name(Expression& node) {
    if (node.name == "k" || std::find(variables_.begin(), variables_.end(), node.name) != variables_.end()) {
      node.role = node.name == "k" ? Role::step : Role::variable;
      if (node.indices.empty()) return Type::scalar;
      return fail(node.place, "", "'", node.name, "' is a number and takes no index");
    }
    node.entry = find_line(node.name);
    if (node.entry >= 0) return check_state(node);
    node.entry = find_coefficient(node.name);
    if (node.entry >= 0) return check_coefficient(node);
    return Type::unknown;
  }

  Type check_state(Expression& node) {
    const Line& line = parsed_.lines[node.entry];
    node.role = line.is_state ? Role::state : Role::intermediate;
    if (node.indices.size() != 1) {
      return fail(node.place, concat("write ", node.name, "[k]"), "'", node.name, "' needs one index, the step");
    }
    const Index& index = node.indices[0];
    if (!index.variables.empty()) return Type::linear;  // seen when the sum is expanded
    if (index.of_k == 0 && (index.constant > 0 || !line.is_state)) {
      return fail(index.place, concat("only a state's start may be named without k, as ", node.name, "[0]"),
                  "bad index: at step 0 nothing is known of ", node.name, "[", index.constant, "]");
    }
    if (index.of_k == 1 && index.constant > (line.is_state ? 1 : 0)) {
      return fail(index.place,
                  line.is_state ? "the newest is the one this step computes, [k+1]"
                                : "an intermediate belongs to its step, [k]",
                  "bad index: ", node.name, "[k+", index.constant, "] lies in the future");
    }
    if (!line.is_state && index.is(1, 0) && node.entry >= static_cast<int>(line_)) {
      return fail(node.place,
                  concat("move the line of ", node.name, "[k] up, or make it a state with ", node.name, "[k+1] = ..."),
                  "'", node.name, "[k]' is used before its line");
    }
    return Type::linear;
  }

  Type check_coefficient(Expression& node) {
    node.role = Role::coefficient;
    checked_.used_coefficients.insert(node.entry);
    const Coefficient& coefficient = spec_.coefficients[node.entry];
    const std::optional<int> taken = indices_taken(coefficient);
    const int given = node.indices.empty() ? 1 : static_cast<int>(node.indices.size());
    if (taken && given != *taken) {
      const std::string what =
          coefficient.sequence.empty() ? given_text(coefficient) : concat("sequence '", coefficient.sequence, "'");
      return fail(node.place, *taken == 1 ? concat("write ", node.name, "[k]") : concat("write ", node.name, "[k+1,j]"),
                  "bad index: ", what, " takes ", *taken, *taken == 1 ? " index" : " indices");
    }
    return Type::scalar;
  }

  Type check_call(Expression& node) {
    auto found = std::find(checked_.families.begin(), checked_.families.end(), node.name);
    node.entry = static_cast<int>(found - checked_.families.begin());
    if (found == checked_.families.end()) checked_.families.push_back(node.name);
    if (settle(node.children[0]) == Type::scalar) {
      return fail(node.children[0].place, concat("as in ", node.name, "(x[k])"), "the argument of '", node.name,
                  "' holds no state");
    }
    return Type::linear;
  }

  Type check_product(Expression& node) {
    Expression& left = node.children[0];
    Expression& right = node.children[1];
    Type a = check(left), b = check(right);
    // Beside a state or a module an unknown name was meant as a coefficient.
    if (a == Type::unknown) a = b == Type::linear ? unknown_coefficient(left) : settle(left);
    if (b == Type::unknown) b = a == Type::linear ? unknown_coefficient(right) : settle(right);
    if (a == Type::bad || b == Type::bad) return Type::bad;
    if (a == Type::linear && b == Type::linear) {
      return fail(node.place, "one factor has to be a number or a coefficient",
                  "not linear: both factors hold a state or a module");
    }
    return a == Type::linear ? a : b;
  }

  Type check_quotient(Expression& node) {
    const Type above = settle(node.children[0]);
    Type below = check(node.children[1]);
    if (below == Type::unknown) below = unknown_coefficient(node.children[1]);
    if (above == Type::bad || below == Type::bad) return Type::bad;
    if (below == Type::linear)
      return fail(node.children[1].place, "divide by a number or a coefficient",
                  "not linear: the divisor holds a state or a module");
    if (node.children[1].kind == Kind::number && node.children[1].number == 0.0)
      return fail(node.children[1].place, "divide by another number", "division by zero");
    return above;
  }

  Type check_sum(Expression& node) {
    bool bad = false;
    const Expression* scalar = nullptr;
    const Expression* linear = nullptr;
    for (Expression& child : node.children) {
      const Type type = settle(child);
      if (type == Type::bad) bad = true;
      if (type == Type::scalar) scalar = &child;
      if (type == Type::linear) linear = &child;
    }
    if (bad) return Type::bad;
    if (scalar && linear) {
      return fail(scalar->place, "every term holds a state or a module, as in 0.5*x[k]",
                  "not linear: a number is added to a state or a module");
    }
    return linear ? Type::linear : Type::scalar;
  }

  Equations& parsed_;
  const RuleSpec& spec_;
  const Report& report_;
  size_t line_ = 0;
  std::vector<std::string> variables_;
  bool failed_ = false;
};

}  // namespace

CheckedExpressions check_expressions(Equations& parsed, const RuleSpec& spec, const Report& report) {
  ExpressionChecker checker(parsed, spec, report);
  checker.check_lines();
  return checker.checked_;
}

}  // namespace optdnn::algorithms
