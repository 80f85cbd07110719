// A run from its folder: its network with its weights, and its data set where that is asked for. What eval and predict
// look through.
#pragma once

#include <functional>
#include <memory>

#include "optdnn/data/preparation.h"
#include "optdnn/experiment/run.h"
#include "optdnn/models/network.h"

namespace optdnn::experiment {

struct OpenedRun {
  std::filesystem::path folder;
  std::string weights;
  ExperimentSpec spec;
  torch::Device device;
  data::DataShape shape;
  models::Network network;
  data::Preparation preparation;           // as the weights' file has it; of the data set where it has none
  std::unique_ptr<data::DataSet> dataset;  // without augmentation; null where it was not asked for
};

// A run's data set, and the folder where it is looked for: options.data, or where it lay in training if that is empty.
// Files of one's own are looked for where resolved.yaml says, then in that folder, then where they lay in training.
struct PlacedData {
  data::DataSetSpec spec;
  std::filesystem::path root;
};
PlacedData data_of_run(const std::filesystem::path& folder, const data::DataSetSpec& spec, const RunOptions& options);

// Errors: EnvironmentError if weights or data are missing, ConfigError if the folder is no run.
OpenedRun open_run(const std::filesystem::path& folder, const std::string& weights, const RunOptions& options,
                   bool with_data);

// What the network makes of every sample of a split, in evaluation. Shapes: outputs_NK, targets N or N x K, on the CPU
// in float64; of a regression both are in the data's own units.
struct Outputs {
  torch::Tensor outputs, targets;
};
// `also` sees every batch of samples, an evaluation's each.
Outputs outputs_on(OpenedRun& run, data::Split split, const std::function<void(const data::Batch& batch)>& also = {});

// Of inputs that are prepared already. Shapes: inputs_N... -> N x K.
torch::Tensor outputs_of(OpenedRun& run, const torch::Tensor& inputs);

// What `of` makes of batches that lie on the device, a batch of inputs_N... at a time, in the precision of training.
torch::Tensor by_batches(const OpenedRun& run, const torch::Tensor& inputs,
                         const std::function<torch::Tensor(const torch::Tensor& batch)>& of);

// Metrics of a split, training samples as they are without augmentation. `sample`: a file that then gets the first
// batch with its outputs; empty: none. Errors: ConfigError if there is no such split.
nlohmann::ordered_json evaluate_run(OpenedRun& run, const RunOptions& options, const std::string& split = "test",
                                    const std::filesystem::path& sample = {});

// One per output, numbers where the data set names none; empty for a regression.
std::vector<std::string> class_names(const OpenedRun& run);

// The samples' split by its name. Errors: ConfigError.
data::Split split_of(const std::string& name);

}  // namespace optdnn::experiment
