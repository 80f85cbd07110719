#include "readable.h"

#include <cstdio>

namespace optdnn::app {

std::string fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string millions(double value) { return fixed(value / 1e6, value < 1e5 ? 4 : value < 1e7 ? 3 : 1) + " M"; }

}  // namespace optdnn::app
