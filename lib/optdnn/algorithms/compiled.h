// A checked rule, and what all its steps have in common: which names lead to the output, how far ahead a value may be
// read, and hence which values are the state before step k. Steps are unrolled when asked for and kept.
#pragma once

#include <map>
#include <mutex>
#include <set>

#include "optdnn/algorithms/call_text.h"
#include "optdnn/algorithms/rule.h"
#include "optdnn/algorithms/unroll.h"

namespace optdnn::algorithms {

struct Compiled {
  RuleSpec spec;
  Equations parsed;
  std::vector<std::string> families;
  int output = 0;  // the line of the output

  bool growing = false;
  int horizon = 0;           // a value is read within so many steps of its first use, or always
  std::set<int> live;        // names of lines that lead to the output
  std::set<int> remembered;  // names of calls that are read at later steps
  bool is_explicit = true;
  bool is_constant = true;

  UnrollOptions options() const { return {parsed, spec.coefficients, spec.start, growing}; }

  // All below: errors StepError. The caller holds `mutex`.
  std::shared_ptr<const Step> step(int k) const;
  // What the step reads that it did not compute; only on behalf of what leads to the output.
  std::set<Item> reads(const Step& step) const;
  // The state before step k, newest first within each name.
  std::vector<Item> states(int k) const;
  Item output_item(int k) const;

  mutable std::mutex mutex;
  mutable NameList names;
  mutable std::map<int, std::shared_ptr<const Step>> steps;
  std::vector<int> order;  // of the lines, by first appearance in the text
};

// Fills in what is derived from unrolled steps. Errors: StepError.
void analyse(Compiled& compiled);

// The calls a step needs for the given forms, in an order in which each follows those it depends on, as far as there is
// one. Returns false if there is none: the step is implicit.
bool order_calls(const Step& step, const std::vector<const Form*>& wanted, std::vector<Item>& calls);

}  // namespace optdnn::algorithms
