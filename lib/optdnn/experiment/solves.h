// What can be said of an implicit row's solves before it is trained: by what bounds its modules, and as measured.
#pragma once

#include "optdnn/experiment/spec.h"

namespace optdnn::experiment {

struct SolveReport {
  std::optional<double> contraction_factor;  // baselines/contraction.h; below 1 every solve is a contraction
  // Of dF/du at the solution, at the initial weights, by stage; nothing for one that solves nothing.
  std::vector<std::optional<double>> spectral_radius;
};

// At random inputs, which are the same at every call. Nothing for an explicit rule and for a baseline. Requires a spec
// whose parts fit together.
std::optional<SolveReport> report_solves(const ExperimentSpec& spec);

}  // namespace optdnn::experiment
