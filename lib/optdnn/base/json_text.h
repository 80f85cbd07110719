// JSON as text. What is not UTF-8 is replaced, as JSON has no word for it: names of files may hold it, and so do texts
// of configs that name them.
#pragma once

#include <string>

namespace optdnn::base {

template <class Json>
std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Indented, and with its last line ended.
template <class Json>
std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace optdnn::base
