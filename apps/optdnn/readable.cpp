#include "readable.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "optdnn/base/text.h"

namespace optdnn::app {

std::string fixed(double value, int digits) {
  if (std::isnan(value)) return "nan";  // printf has a sign for it
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string six_digits(double value) {
  if (std::isnan(value)) return "nan";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6g", value);
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

std::string time_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::min(seconds, 1e12)));
  const auto parts = [](int64_t large, const char* unit, int64_t small, const char* small_unit) {
    return base::concat(large, " ", unit, " ", small, " ", small_unit);
  };
  if (seconds < 10) return fixed(seconds, 1) + " s";
  if (whole < 60) return base::concat(whole, " s");
  if (whole < 3600) return parts(whole / 60, "min", whole % 60, "s");
  if (whole < 48 * 3600) return parts(whole / 3600, "h", whole / 60 % 60, "min");
  return parts(whole / 86400, "d", whole / 3600 % 24, "h");
}

}  // namespace optdnn::app
