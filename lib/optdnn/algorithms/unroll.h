// One step of a rule with k a number: every line becomes a linear form over items, that is over values of states,
// lagged intermediates and module results, each known by its name and absolute index.
//
// A module result is an item too, named by its call with all indices relative to the largest of them: T(x[k-1]) at step
// 5 and T(x[k]) at step 4 are both the item "T(x[{0}])" at 4. Of the items of one name that a step asks for, it
// evaluates the latest; the others are results remembered from earlier steps.
#pragma once

#include <map>

#include "optdnn/algorithms/rule.h"
#include "optdnn/algorithms/syntax.h"

namespace optdnn::algorithms {

// `anchored` sets the absolute x[0] apart from the x[k] of step 0, so that a rule's states are the same ones at every
// k.
struct Item {
  int name = 0;  // in NameList
  bool anchored = false;
  int index = 0;
  auto operator<=>(const Item&) const = default;
};

// `varies`: depends on k. A zero that does not vary is dropped, one that does is kept as structure.
struct Weight {
  Scalar value;
  bool varies = false;
};
using Form = std::map<Item, Weight>;

struct CallSite {
  int family = 0;
  int fresh = -1;
  std::string argument;  // relative to its item, as "x[{0}]"
  Form form;
};

struct Step {
  int k = 0;
  std::map<Item, Form> defined;    // new states at k+1, intermediates at k
  std::map<Item, CallSite> calls;  // evaluated at this step
  bool remembers_anchored = false;
  int visits = 0;  // the work it took
};

// Names of items as numbers: first the lines of the equations, then the calls as they are met.
class NameList {
 public:
  int number(const std::string& name);
  const std::string& text(int number) const { return texts_[number]; }
  int size() const { return static_cast<int>(texts_.size()); }

 private:
  std::map<std::string, int> numbers_;
  std::vector<std::string> texts_;
};

// A mistake that shows when a step is unrolled.
struct StepError {
  Place place;
  std::string message, hint;
};

struct UnrollOptions {
  const Equations& parsed;
  const std::vector<Coefficient>& coefficients;
  const std::map<std::string, double>& start;
  bool growing = false;  // states are told apart by their absolute index, and there may be more of them at every step
};

// What a learnable coefficient starts from. Errors: StepError at `place` if its sequence is not defined there.
double initial_value(const Coefficient& coefficient, const std::vector<int>& indices, Place place);

// Errors: StepError.
Step unroll_step(const UnrollOptions& options, int k, NameList& names);

// A lagged intermediate before step 0, as a multiple of the stage's input: its line with the states at their start and
// module results zero. Its coefficients learn as everywhere: y[-1] of y[k] = b*x[k] has the b of y[0], or b[-1] where
// it learns per step. Errors: StepError.
Scalar start_of_intermediate(const UnrollOptions& options, int line, int index, NameList& names);
double start_of_state(const UnrollOptions& options, int line);

}  // namespace optdnn::algorithms
