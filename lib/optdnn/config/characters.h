// The bytes a config may hold: UTF-8 without tabs and without control characters but line ends (\n or \r\n).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "optdnn/base/diagnostics.h"

namespace optdnn::config {

// Reports the first mistake of each line from byte `begin` on. Returns whether there was none.
bool check_characters(const std::shared_ptr<const base::SourceText>& source, size_t begin,
                      base::Diagnostics& diagnostics);

// The length in bytes of the UTF-8 character that begins the text (RFC 3629: no overlong forms, no surrogates, at most
// U+10FFFF); 0 if none does.
size_t utf8_length(std::string_view text);

// yaml-cpp reads the escapes \N and \_ as bytes of Latin-1; here they are characters.
std::string as_utf8(const std::string& text);

}  // namespace optdnn::config
