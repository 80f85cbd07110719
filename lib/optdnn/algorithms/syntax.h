// The rule language: text -> syntax tree with places.
//
//   line    = name '[' index ']' '=' sum            x[k+1] = ... updates a state, y[k] = ... names an intermediate
//   sum     = product { ('+' | '-') product }
//   product = factor { ('*' | '/') factor }
//   factor  = { '+' | '-' } atom                    so that x[k] + -0.5*T(x[k]), as scripts write it, is read
//   atom    = number | 'k' | name [ '[' index {',' index} ']' ] | '(' sum ')'
//           | Family [ '[' 'k' ',' index ']' ] '(' sum ')'
//           | 'sum' '(' name ',' index ',' index ',' sum ')'
//   index   = whole numbers, k and names of enclosing sums, joined by + and -
//
// A line ends at a newline or ';' outside parentheses; '#' starts a comment. A capitalised name is a module family.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "optdnn/base/diagnostics.h"

namespace optdnn::algorithms {

// A stretch of the equations, in bytes.
struct Place {
  size_t offset = 0, length = 1;
};

// of_k * k + sum of +-(an enclosing sum's variable) + constant
struct Index {
  int of_k = 0;
  std::vector<std::pair<std::string, int>> variables;
  int constant = 0;
  Place place;
  bool is(int k_factor, int plus) const { return of_k == k_factor && constant == plus && variables.empty(); }
};

// A node of the syntax tree.
struct Expression {
  enum class Kind { number, name, call, sum, add, multiply, divide, negate };
  // What a name stands for; found by check_equations.
  enum class Role { unknown, step, variable, state, intermediate, coefficient };

  Kind kind = Kind::number;
  Place place;
  double number = 0.0;
  std::string name;            // the name, the family, or the sum's variable
  std::vector<Index> indices;  // of the name or family; the two bounds of a sum
  std::vector<Expression> children;
  Role role = Role::unknown;
  bool linear = false;  // holds a state or a module; found by check_equations
  int entry = -1;       // the line of a state or intermediate, the place of a coefficient or family in its list
};

struct Line {
  std::string name;
  bool is_state = false;  // name[k+1] = ..., else name[k] = ...
  Place target;
  Expression right;
};

// The parsed text of a rule. What is made from it to run is execution::Program.
struct Equations {
  std::string text;
  std::vector<Line> lines;
  bool is_complete = true;          // no line was left out
  std::vector<std::string> unread;  // what lines that were left out would have computed, where that much is known
};

// Limits on what is read, far beyond any method in use.
inline constexpr size_t kMaxTextBytes = 16384;
inline constexpr int kMaxLines = 128;
inline constexpr int kMaxNesting = 48;
inline constexpr int kMaxFactors = 64;  // of one product
inline constexpr int kMaxIndex = 64;    // in an index or a bound
inline constexpr int kMaxSumNesting = 3;

// Errors: reported through `report`; lines with errors are left out.
using Report = std::function<void(Place, std::string message, std::string hint)>;
Equations parse_equations(std::string_view text, const Report& report);

}  // namespace optdnn::algorithms
