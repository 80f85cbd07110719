// A forward rule, read from equations as the papers write them:
//
//   y[k]   = x[k] + beta*(x[k] - x[k-1])
//   x[k+1] = y[k] + T(y[k])
//
// and turned into one tableau per step k = 0, 1, ... The language is documented in syntax.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "optdnn/algorithms/tableau.h"
#include "optdnn/base/diagnostics.h"

namespace optdnn::algorithms {

enum class Learn { no, shared, per_step };

struct Range {
  double low = 0.0, high = 1.0;
};

// A number, a built-in sequence (sequences.h), a list by k or a formula in k (given_values.h); learnable from there.
struct Coefficient {
  std::string name;
  std::optional<double> value;
  std::string sequence;
  std::vector<double> values;
  bool repeat = false;  // of `values`
  std::string formula;
  Learn learn = Learn::no;
  std::optional<Range> range;
  base::SourceSpan span;

  // Whether each step has a number of its own.
  bool varies() const { return learn == Learn::per_step || (learn == Learn::no && !value); }
};

// From an offset and length in the equations to the place in the file the user wrote.
using Locate = std::function<base::SourceSpan(size_t offset, size_t length)>;
Locate locate_in_text(std::string name, std::string text);

struct RuleSpec {
  std::string name;
  std::string equations;
  Locate locate;  // empty: the equations are a text of their own, called `name`
  std::vector<Coefficient> coefficients;
  std::string output;                   // empty: the state x if there is one, else the first state assigned
  std::map<std::string, double> start;  // multiples of the stage's input; a state that is not named starts at it
  base::SourceSpan span;                // for what concerns no equation
};

struct Equations;  // syntax.h
struct Compiled;   // compiled.h

class Rule {
 public:
  explicit Rule(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

  const std::string& name() const;
  const std::string& equations() const;
  const std::vector<std::string>& families() const;  // in order of first appearance
  const std::vector<Coefficient>& coefficients() const;
  const std::string& output_name() const;
  const Equations& parsed() const;

  bool is_explicit() const;
  // The same tableau at every step, and no state that grows.
  bool is_constant() const;

  // The states after step k are those before step k+1, in the same order. Requires k >= 0.
  // Errors: ConfigError if this step divides by zero, is singular or becomes too large.
  Tableau step(int k) const;

  // The states before step 0, as multiples of the stage's input; absent means 0.
  Row start() const;
  // The network's output from the states before step `depth`, that is after `depth` steps.
  Row output(int depth) const;

  // What a learnable coefficient starts from. On the edge of its range it could not be learned, as the sigmoid that
  // keeps it inside is flat there; it starts at a thousandth of the range inside.
  double initial_value(const Leaf& leaf) const;

 private:
  std::shared_ptr<const Compiled> compiled_;
};

// A rule whose state grows with k, as a dense one does, costs the square of its depth in terms.
inline constexpr int kMaxGrowingDepth = 512;

// Errors: ConfigError if the rule grows and is deeper than kMaxGrowingDepth.
void check_depth(const Rule& rule, int64_t depth);

// Errors: diagnostics with places inside the equations; then nothing is returned.
std::optional<Rule> make_rule(const RuleSpec& spec, base::Diagnostics& diagnostics);

}  // namespace optdnn::algorithms
