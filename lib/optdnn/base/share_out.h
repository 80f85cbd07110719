// Parts of a piece of work on several threads of its own: for the runs of small networks, where LibTorch has one.
#pragma once

#include <cstdint>
#include <functional>

namespace optdnn::base {

// Calls each(0), ..., each(parts - 1), on the caller's thread and on workers, and returns when all are done. What a
// part leaves must not depend on the others. Requires that no part throws or shares out again.
void share_out(int64_t parts, const std::function<void(int64_t part)>& each);

// Threads that take part, the caller included; 1 at first.
int sharing_threads();
void set_sharing_threads(int threads);

}  // namespace optdnn::base
