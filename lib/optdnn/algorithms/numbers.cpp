#include "optdnn/algorithms/numbers.h"

#include <cmath>
#include <sstream>

namespace optdnn::algorithms {

namespace {
constexpr double kRounded = 1e-9;  // a weight this near to 0 or 1 is one
}

std::string short_number(double value) {
  std::ostringstream out;
  out.precision(4);
  out << (value == 0.0 ? 0.0 : value);  // no -0
  return out.str();
}

std::string combination_text(const std::vector<double>& weights, const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double size = std::abs(weights[i]);
    if (size <= kRounded) continue;
    text += text.empty() ? (weights[i] < 0 ? "-" : "") : weights[i] < 0 ? " - " : " + ";
    if (std::abs(size - 1.0) > kRounded) text += short_number(size) + " ";
    text += names[i];
  }
  return text.empty() ? "0" : text;
}

}  // namespace optdnn::algorithms
