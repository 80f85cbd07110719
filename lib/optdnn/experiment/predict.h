// What a trained network says of samples, one by one: classes with their probabilities, or a regression's values, and
// what it made of them on the way.
#pragma once

#include <optional>

#include "optdnn/experiment/opened_run.h"

namespace optdnn::experiment {

struct PredictionOptions {
  std::string split = "test";
  std::optional<std::filesystem::path> input;  // other samples than the data set's
  std::string features;                        // head, stage_<i>, path; empty: none
};

struct Prediction {
  torch::Tensor outputs;             // N x K; of a regression in the data's units
  torch::Tensor targets;             // N (-1: another class, or none), or N x K (NaN: none); not defined if not known
  torch::Tensor features;            // N x ..., of `path` N x states x ...; not defined where not asked for
  std::vector<std::string> classes;  // empty for a regression
  std::vector<std::string> names;    // of the samples' files, if they have some
};

// Errors: ConfigError for features the network does not have; those of open_run and of reading the input.
Prediction predict(OpenedRun& run, const PredictionOptions& options);

// p.csv: sample, file, target, prediction, a probability for each class, features; p.npz: the same as arrays.
// Errors: ConfigError for another ending, EnvironmentError if the disk refuses.
void write_prediction(const std::filesystem::path& path, const Prediction& prediction);

// As write_prediction checks it. Errors: ConfigError; also where it is one of `kept`, files that are read.
void check_prediction_file(const std::filesystem::path& path, const std::vector<std::filesystem::path>& kept = {});

}  // namespace optdnn::experiment
