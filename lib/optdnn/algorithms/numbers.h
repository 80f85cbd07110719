// Numbers as reports print them.
#pragma once

#include <string>

namespace optdnn::algorithms {

// At most four significant digits: 0.3333, 10, -0.5, 1.2e-07.
std::string short_number(double value);

}  // namespace optdnn::algorithms
