// What a rule declares of its coefficients, apart from their use.
#pragma once

#include "optdnn/algorithms/rule.h"
#include "optdnn/base/diagnostics.h"

namespace optdnn::algorithms {

// Errors: a name that cannot be one or stands twice, a value or sequence that is missing, unknown or not finite, a
// range that is empty or leaves the value out.
void check_coefficients(const RuleSpec& spec, base::Diagnostics& diagnostics);

}  // namespace optdnn::algorithms
