// A page on a struct: every key with its type and range, its default and its help, in columns.
#pragma once

#include <string>

#include "optdnn/config/fields.h"

namespace optdnn::config {

template <class T>
std::string help();

}  // namespace optdnn::config
