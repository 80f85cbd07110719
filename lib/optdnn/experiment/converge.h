// A row of a convergence study, measured and written into the layout of runs, where reports find it:
//
//   runs/<config stem>/<row id>/study/   resolved.yaml  summary.json
//
// It takes seconds and depends on nothing but the row, so it is measured and written anew each time.
#pragma once

#include "optdnn/algorithms/convergence.h"
#include "optdnn/experiment/run.h"
#include "optdnn/experiment/study.h"

namespace optdnn::experiment {

std::filesystem::path study_folder(const std::filesystem::path& runs, const Study& study, const StudyRow& row);

// Errors: ConfigError if an effective step is too large for a flow to compare with.
algorithms::Convergence measure_row(const StudyRow& row);

// {"rule", "convergent", "coupled", "flows", "reason", "effective_step", "errors": {"16": ...}, "order", "converges"};
// undefined is null.
nlohmann::ordered_json convergence_json(const StudyRow& row, const algorithms::Convergence& convergence);

// Errors: EnvironmentError if the disk refuses.
void write_study_row(const Study& study, const StudyRow& row, const algorithms::Convergence& convergence,
                     const RunOptions& options);

}  // namespace optdnn::experiment
