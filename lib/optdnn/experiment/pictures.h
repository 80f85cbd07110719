// pictures.safetensors of a run on a vector task: what scripts/report.py draws of its network, in float32.
//   inputs of two dimensions   grid_inputs [N, 2], grid_outputs [N, K], metadata grid_rows, grid_cols (row-major)
//                              points_inputs [n, 2], points_targets [n]: random test points, the same at every call
//   a rule's run               path_states [steps + 1, n, D], path_targets [n]: test points through the steps
//   a function of one number   curve_inputs [N, 1], curve_outputs [N, 1], curve_targets [N, 1]: of the test set
#pragma once

#include "optdnn/data/dataset.h"
#include "optdnn/experiment/run_folder.h"

namespace optdnn::experiment {

// Of the weights in the run's folder. Nothing for images.
void write_pictures(const ExperimentSpec& spec, uint64_t seed, const data::DataSet& dataset, const RunFolder& folder);

}  // namespace optdnn::experiment
