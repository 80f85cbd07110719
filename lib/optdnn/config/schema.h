// The JSON schema (draft 2020-12) of a struct, so that editors complete and check a config.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "optdnn/config/fields.h"

namespace optdnn::config {

template <class T>
nlohmann::json json_schema();

}  // namespace optdnn::config
