// The bytes a config may hold: UTF-8 without tabs and without control characters but line ends (\n or \r\n).
#pragma once

#include <memory>
#include <string>

#include "optdnn/base/diagnostics.h"

namespace optdnn::config {

// Reports the first mistake of each line from byte `begin` on. Returns whether there was none.
bool check_characters(const std::shared_ptr<const base::SourceText>& source, size_t begin,
                      base::Diagnostics& diagnostics);

// yaml-cpp reads the escapes \N and \_ as bytes of Latin-1; here they are characters.
std::string as_utf8(const std::string& text);

}  // namespace optdnn::config
