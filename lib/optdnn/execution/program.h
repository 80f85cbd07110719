// What a stage computes, written out once: values in order, each a linear combination of earlier ones, a module's
// result, or the solution of a fixed point. Every executor (executor.h) runs this list, none knows the rule.
//
//   apg2, step 1:   %5 = 0.5 %4 + 0.5 %3        Combine
//                   %6 = T[1](%5)               Call
//                   %7 = %3 + 1.5 %6            Combine
//                   %8 = %5 + %6                Combine
//
// make_programs reads a rule's tableaux (algorithms/tableau.h), y = C s + D u, s+ = A s + B u; the passes that leave
// out what costs nothing are in passes.h. No LibTorch here.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "optdnn/algorithms/rule.h"
#include "optdnn/kernels/combinations.h"

namespace optdnn::execution {

using kernels::Term;
using kernels::Terms;

struct Combine {
  Terms terms;  // none: zero
};

struct Call {
  int module;  // place in Program::modules
  int argument;
};

// u_i = T_i(constant_i + sum of the coupling's u_j), all u_i together.
struct Unknown {
  int module;
  int constant;    // the value that the solve leaves as it is, or -1
  Terms coupling;  // over the unknowns, by their place
};
struct Solve {
  std::vector<Unknown> unknowns;  // each a value
  int group;                      // which of its step's groups: the next step's begins where this one ended
};

struct Operation {
  std::variant<Combine, Call, Solve> what;
  int value;  // its result, or the first of several
};

// T_k, or T[k,j] with fresh = j, at step k of the stage.
struct ModuleUse {
  int family;
  int step;
  int fresh;  // -1: the step's own module
  bool operator==(const ModuleUse&) const = default;
};

struct Program {
  int inputs = 0;                           // values 0, 1, ... that are given
  int values = 0;                           // those and all results
  std::vector<Operation> operations;        // each reads values before its own
  std::vector<int> outputs;                 // values: the rule's outputs, then what the next stage reads
  int iterates = 0;                         // how many of the outputs are the rule's
  std::vector<ModuleUse> modules;           // that are called, by step, in the tableaux' order
  std::vector<algorithms::Scalar> learned;  // the weights that hold coefficients, by Term::learned

  std::set<algorithms::Leaf> leaves() const;  // the learnable coefficients it names
  bool solves() const;
};

// Which of the rule's outputs after its steps the network reads: the last one; every one, as in the DenseNet setting;
// or those that cost nothing beside the last one.
enum class Outputs { last, every, free };

// One program per stage, of so many steps each. The first has one input, what the run starts from; the others have what
// the stage before hands on: its outputs after the iterates.
// Errors: ConfigError if an output that is read is zero. Requires at least one step per stage.
std::vector<Program> make_programs(const algorithms::Rule& rule, const std::vector<int>& steps, Outputs outputs);

// As in the head of this file, with the names of the rule's families.
std::string text(const Program& program, const std::vector<std::string>& families);

// Calls each(value) for every value the operation reads.
template <class Operation, class Each>
void for_each_read(Operation& operation, Each each) {
  if (auto* combine = std::get_if<Combine>(&operation.what)) {
    for (auto& term : combine->terms) each(term.value);
  } else if (auto* call = std::get_if<Call>(&operation.what)) {
    each(call->argument);
  } else {
    for (auto& unknown : std::get<Solve>(operation.what).unknowns) {
      if (unknown.constant >= 0) each(unknown.constant);
    }
  }
}

// How many values an operation makes.
int results(const Operation& operation);

}  // namespace optdnn::execution
