// The data sets by name: one header and one alternative of the variant each (what a spec has: dataset.h). (How files
// are fetched: fetch/catalogue.h.)
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <variant>

#include "optdnn/data/cifar.h"
#include "optdnn/data/generated_images.h"
#include "optdnn/data/idx.h"
#include "optdnn/data/nested_rings.h"
#include "optdnn/data/own_spec.h"
#include "optdnn/data/parity.h"
#include "optdnn/data/photo_set.h"
#include "optdnn/data/regression_2018.h"
#include "optdnn/data/telgarsky.h"

namespace optdnn::data {

using DataSetSpec =
    std::variant<Cifar10Spec, Cifar100Spec, MnistSpec, FashionMnistSpec, GeneratedImagesSpec, NestedRingsSpec,
                 ParitySpec, TelgarskySpec, Regression2018Spec, Divisible<photos::ImageNetSpec>,
                 Divisible<photos::ImagenetteSpec>, Divisible<photos::ImageFolderSpec>, ArraysSpec, TableSpec>;

// Reads the files, or prepares the task. Images stay on `device` ("cpu", "cuda:0"), where their batches are made;
// batches of vector tasks are made on the CPU and moved there.
// Errors: ConfigError for sizes that cannot be; EnvironmentError for files that are missing or damaged, naming
// `optdnn fetch <name>`.
std::unique_ptr<DataSet> make_dataset(const DataSetSpec& spec, const std::filesystem::path& data_root,
                                      const std::string& device = "cpu");

std::string_view dataset_name(const DataSetSpec& spec);

// Fills in what a data set of one's own holds, unless it is there: its shape, its classes. Image folders lie below
// `data_root`. Errors: EnvironmentError for files that are missing or damaged, naming the cell; ConfigError for columns
// and arrays that are not there.
void look_at_files(DataSetSpec& spec, const std::filesystem::path& data_root);

// What make_dataset(...)->shape() will say, without reading a file. Of data of one's own: after look_at_files.
DataShape dataset_shape(const DataSetSpec& spec);

bool has_validation(const DataSetSpec& spec);

// Samples per iteration, "all of them" worked out. Errors: as make_dataset.
int64_t batch_size(const DataSetSpec& spec);

// The files of data of one's own; none of other data sets.
std::vector<std::filesystem::path> own_files(const DataSetSpec& spec);

// Whether a last training batch that is smaller than the others is left out.
bool drop_last(const DataSetSpec& spec);

}  // namespace optdnn::data
