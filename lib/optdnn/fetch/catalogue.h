// The data sets by name: how the files of each are fetched.
#pragma once

#include <filesystem>

#include "optdnn/base/names.h"

namespace optdnn::fetch {

// Gets a data set's files into data_root, or finds that they are there; `from` is where the user has them, if that is
// asked for (else ConfigError). Null if the set needs no files.
using Fetch = void (*)(const std::filesystem::path& data_root, const std::filesystem::path& from);

// One entry per alternative of data::DataSetSpec.
const base::NameTable<Fetch>& datasets();

}  // namespace optdnn::fetch
