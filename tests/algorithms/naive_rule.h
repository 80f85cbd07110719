// Random explicit rules, and an interpreter that runs them line by line on whole histories. It knows no tableau: values
// of every step are kept, and what a line reads is looked up.
#pragma once

#include <map>
#include <memory>

#include "algorithms/run_tableau.h"
#include "optdnn/base/random.h"

namespace optdnn::algorithms {

// A coefficient in a term: a number, or a declared name read at [k + plus].
struct NaiveFactor {
  double number = 1.0;
  std::string name;  // empty: the number alone
  int plus = 0;
};

struct NaiveTerm {
  enum class Kind { value, start, call, window, dense, fresh };
  Kind kind = Kind::value;
  NaiveFactor factor;
  std::string name;            // of the state, intermediate or family
  int lag = 0;                 // reads [k - lag]; -1 is the new state
  std::vector<NaiveTerm> sum;  // a call's argument, of values and nested calls
};

struct NaiveLine {
  std::string name;
  bool is_state = true;
  std::vector<NaiveTerm> terms;
};

struct NaiveRule {
  std::vector<NaiveLine> lines;
  std::vector<Coefficient> coefficients;
  std::map<std::string, double> start;

  std::string text() const;
  RuleSpec spec() const;
};

NaiveRule random_rule(base::RandomStream& random);

using NaiveModule = std::function<Vector<double>(char family, int k, int fresh, const Vector<double>&)>;

// The output x after `depth` steps.
Vector<double> run_naively(const NaiveRule& rule, int depth, const Vector<double>& input, const NaiveModule& module);

}  // namespace optdnn::algorithms
