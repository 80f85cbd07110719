// Solves for the new states that are used on or before their own lines, where they stand outside modules.
#pragma once

#include "optdnn/algorithms/unroll.h"

namespace optdnn::algorithms {

// Replaces the items that are defined in this very step by what they stand for, in all forms of the step, so that only
// items known before the step and results of its calls remain. `value` gives numbers for pivoting.
// Errors: StepError at the line's target if the linear system is singular.
void eliminate_unknowns(Step& step, const Equations& parsed, const LeafValues& value);

void add_to(Form& form, const Item& item, const Weight& weight);
void add_to(Form& form, const Form& other, const Weight& factor);

}  // namespace optdnn::algorithms
