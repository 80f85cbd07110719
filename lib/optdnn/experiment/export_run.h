// A run's network for other programs: its weights by our names or timm's, with the network described beside them
// (describe.h), and what it makes of some test samples.
#pragma once

#include "optdnn/experiment/run.h"

namespace optdnn::experiment {

enum class WeightNames { own, timm };

struct ExportRequest {
  std::filesystem::path run;
  std::string weights = "last.safetensors";  // a file in its checkpoints/, by our names or timm's
  WeightNames names = WeightNames::own;
  std::filesystem::path to;       // weights; `network` in the metadata, by our names
  std::filesystem::path samples;  // inputs and outputs; empty: none
  int64_t count = 64;             // of them, at most
};

// Errors: ConfigError for names of timm where timm has no such network; EnvironmentError if the run has no such
// weights, if the data set is not there or the disk refuses.
void export_run(const ExportRequest& request, const RunOptions& options);

}  // namespace optdnn::experiment
