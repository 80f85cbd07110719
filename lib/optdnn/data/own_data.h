// Samples of the user's own, from files: which columns or arrays are inputs and targets, what is learnt, which
// samples are for the test.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "optdnn/data/dataset.h"
#include "optdnn/data/own_spec.h"
#include "optdnn/data/sample_set.h"

namespace optdnn::data {

struct OwnData {
  SampleTensors train, test;
  Task task = Task::classification;
  std::vector<std::string> columns, classes;
  std::vector<std::string> sha256;  // of the files read
};

// Errors: EnvironmentError for files that are missing, damaged or lack values, naming the cell; ConfigError for columns
// and arrays that are not there, or a task that does not fit.
OwnData read_own_data(const TableSpec& spec);
OwnData read_own_data(const ArraysSpec& spec);

// Classes that have hardly more than a sample each are the numbers of a regression, or no targets at all. Errors:
// ConfigError naming `place`, if there are too many; fewer of them if task: classification was not asked for.
void check_class_count(int64_t classes, int64_t samples, bool asked_for, const std::string& place);

// Takes the test set out of the training set, by test_fraction: stratified, from stream (split_seed, "split", 0,
// class). Errors: ConfigError if one of the two would be empty.
void divide_off_test(OwnData& data, const OwnFields& own);

// Other samples, for a network trained on this data set: of a CSV file with the same columns, or an .npz file with an
// array of that name. Shapes: inputs N x D or N x C x H x W, standardised; targets, not defined where the file has
// none: N, numbers of classes (-1: no value, or a class that the training set lacks), or N x K, a regression's values
// in the data's units (NaN: none). Errors: as above.
SampleTensors read_own_samples(const TableSpec& spec, const std::filesystem::path& file,
                               const Preparation& preparation);
SampleTensors read_own_samples(const ArraysSpec& spec, const std::filesystem::path& file,
                               const Preparation& preparation);

// Their place among these classes, -1 for others; and the first that has none. Shapes: N.
torch::Tensor places_of(const std::vector<std::string>& names, const std::vector<std::string>& classes);
std::optional<int64_t> first_unknown(const torch::Tensor& places);

// "8 x 3".
std::string shape_text(const std::vector<int64_t>& shape);

}  // namespace optdnn::data
