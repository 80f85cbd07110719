// Numbers for a reader; files carry the exact ones.
#pragma once

#include <string>

namespace optdnn::app {

// "12.3 M"
std::string millions(double value);
// "0.250"
std::string fixed(double value, int digits);

}  // namespace optdnn::app
