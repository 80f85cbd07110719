// A tableau made ready to run: per step the calls in order and the linear combinations they need, with everything
// that costs nothing left out. From y = C s + D u, s+ = A s + B u the plan drops states and calls nobody reads, skips
// states that are still zero, and reads an argument y again where a row of A repeats it. Calls that wait for each other
// are a group that is solved as one fixed point.
#pragma once

#include <vector>

#include "optdnn/algorithms/call_groups.h"
#include "optdnn/algorithms/rule.h"

namespace optdnn::models {

// One term of a linear combination: weight times a state, a module result, or a call's argument.
struct PlannedTerm {
  enum class Source { state, result, argument } source;
  int index;
  algorithms::Scalar weight;
};

using Combination = std::vector<PlannedTerm>;  // empty: zero

struct PlannedCall {
  int family;
  int fresh;             // the j of T[k,j], or -1 for the step's own module
  bool live;             // false: nobody reads the result, the call is not made
  Combination argument;  // of an unknown: without the terms in `coupling`
  Combination coupling;  // results of its own group, by their place in it
};

struct PlannedStep {
  std::vector<PlannedCall> calls;
  std::vector<algorithms::CallGroup> order;  // the groups that are live, as they are evaluated
  std::vector<Combination> next;             // one per state after the step; empty: zero or not read
};

struct Plan {
  std::vector<double> start;  // weight of the stage's input in each state before step 0; 0: zero
  std::vector<PlannedStep> steps;
  // The rule's output over the states after each step; empty where the network has no use for what it reads. The last
  // one never is, nor is any with `every_output`.
  std::vector<Combination> outputs;
};

// `every_output`: the network reads the output after every step. Requires depth >= 1.
// Errors: ConfigError if an output that is read is zero.
Plan make_plan(const algorithms::Rule& rule, int depth, bool every_output = false);

// Every learnable coefficient the plan's steps [first, first + count) use, the output included where it is the last.
std::set<algorithms::Leaf> plan_leaves(const Plan& plan, int first, int count);

}  // namespace optdnn::models
