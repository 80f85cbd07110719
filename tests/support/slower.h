// Sanitizers slow a program down: bounds on its time are multiplied by this.
#pragma once

namespace optdnn::tests {

#if defined(__SANITIZE_ADDRESS__)
constexpr int kSlower = 10;
#else
constexpr int kSlower = 1;
#endif

}  // namespace optdnn::tests
