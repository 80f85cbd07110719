// The data sets by name: what each is, how it is built. (How its files are fetched: fetch/catalogue.h.)
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "optdnn/data/dataset.h"
#include "optdnn/data/specs.h"

namespace optdnn::data {

// Reads the files, or prepares the task. Images stay on `device` ("cpu", "cuda:0"), where their batches are made;
// batches of vector tasks are made on the CPU and moved there.
// Errors: ConfigError for sizes that cannot be; EnvironmentError for files that are missing or damaged, naming
// `optdnn fetch <name>`.
std::unique_ptr<DataSet> make_dataset(const DataSetSpec& spec, const std::filesystem::path& data_root,
                                      const std::string& device = "cpu");

std::string_view dataset_name(const DataSetSpec& spec);

// What make_dataset(...)->shape() will say, without reading a file.
DataShape dataset_shape(const DataSetSpec& spec);

bool has_validation(const DataSetSpec& spec);

// Samples per iteration, "all of them" worked out. Errors: as make_dataset.
int64_t batch_size(const DataSetSpec& spec);

// Whether a last training batch that is smaller than the others is left out.
bool drop_last(const DataSetSpec& spec);

}  // namespace optdnn::data
