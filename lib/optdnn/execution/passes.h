// Passes over programs: each takes one and returns one that computes the same outputs, up to rounding.
#pragma once

#include "optdnn/execution/program.h"

namespace optdnn::execution {

// The operations [first, last) as a program of its own: those that `outputs` follow from, with the values from before
// them that are read as its inputs, in their order; `read` receives these. With `keep_inputs` the program's own inputs
// all stay.
Program part_of(const Program& program, size_t first, size_t last, const std::vector<int>& outputs,
                std::vector<int>* read = nullptr, bool keep_inputs = false);

// Without the operations nobody reads.
Program drop_unread(const Program& program);

// Equal values are computed once: terms of the same value are added up where their weights are numbers, zero terms are
// dropped, a single term of weight one is the value itself, and a combination that exists already is used again. Calls
// stay as they are, as a module may count its uses.
Program merge_equal(const Program& program);

// A combination that contains a whole argument of the same step, two terms or more, reads that argument in their place:
// apg2's x+ = (1-theta) x + theta z + delta u becomes y + delta u.
Program reuse_arguments(const Program& program);

// By operation the values that nobody reads after it and that are no outputs.
std::vector<std::vector<int>> last_reads(const Program& program);

// The most values that are there at a time, where each goes after its last read.
int most_values(const Program& program);

}  // namespace optdnn::execution
