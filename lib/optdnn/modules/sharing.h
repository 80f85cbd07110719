// Whose weights a step uses.
#pragma once

#include "optdnn/base/names.h"

namespace optdnn::modules {

// One module per step, or one for all steps of a stage (batch statistics stay per step).
enum class Sharing { per_step, shared };
const base::NameTable<Sharing>& enum_names(Sharing);

}  // namespace optdnn::modules
