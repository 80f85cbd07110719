// Numbers for a reader; files carry the exact ones.
#pragma once

#include <string>
#include <vector>

namespace optdnn::app {

// "12.3 M"
std::string millions(double value);
// "0.250"
std::string fixed(double value, int digits);
// "0.651172", at most six digits.
std::string six_digits(double value);
// "16.08 +- 0.21", mean and sample standard deviation, which is left out for one value or equal ones.
std::string mean_text(const std::vector<double>& values);
// "2 h 5 min", "40 s", "1.2 s".
std::string time_text(double seconds);

}  // namespace optdnn::app
