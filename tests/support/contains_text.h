// A matcher of texts that hold another one, under the name that Catch2 2.13 and 3.x give it.
#pragma once

#include <string>

#include "support/catch.h"

namespace optdnn::tests {

inline auto contains_text(const std::string& text) {
#if __has_include(<catch2/catch_all.hpp>)
  return Catch::Matchers::ContainsSubstring(text);
#else
  return Catch::Matchers::Contains(text);
#endif
}

}  // namespace optdnn::tests
