// optdnn check FILE of a data file: what its columns or arrays hold.
#pragma once

#include <string>

namespace optdnn::app {

bool is_data_file(const std::string& path);

// Prints columns or arrays with their types, ranges, classes and missing values. Returns an exit code: that of the
// environment where a value is missing.
int check_data_file(const std::string& path, bool json);

}  // namespace optdnn::app
