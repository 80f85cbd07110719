// How many times as long as in a build of its own a program may take: sanitizers slow it down.
#pragma once

namespace optdnn::tests {

#if defined(__SANITIZE_ADDRESS__)
constexpr int kSlower = 10;
#else
constexpr int kSlower = 1;
#endif

}  // namespace optdnn::tests
