#include "readable.h"

#include <cmath>
#include <cstdio>

namespace optdnn::app {

std::string fixed(double value, int digits) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string millions(double value) { return fixed(value / 1e6, value < 1e5 ? 4 : value < 1e7 ? 3 : 1) + " M"; }

std::string mean_text(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
  char text[64];
  std::snprintf(text, sizeof text, deviation > 1e-5 * std::abs(mean) ? "%.4g +- %.2g" : "%.4g", mean, deviation);
  return text;
}

}  // namespace optdnn::app
