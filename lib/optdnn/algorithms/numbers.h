// Numbers as reports print them.
#pragma once

#include <string>
#include <vector>

namespace optdnn::algorithms {

// At most four significant digits: 0.3333, 10, -0.5, 1.2e-07.
std::string short_number(double value);

// "1.5 T(x) - S(x)"; "0" if all weights are. Requires as many names as weights.
std::string combination_text(const std::vector<double>& weights, const std::vector<std::string>& names);

}  // namespace optdnn::algorithms
