// Numbers for a reader; files carry the exact ones.
#pragma once

#include <string>
#include <vector>

namespace optdnn::app {

// "12.3 M"
std::string millions(double value);
// "0.250"
std::string fixed(double value, int digits);
// "16.08 +- 0.21", mean and sample standard deviation; without a deviation that is none: of one value, or of equal
// ones.
std::string mean_text(const std::vector<double>& values);

}  // namespace optdnn::app
