// Loops over plain memory, compiled once for each kind of processor.
#pragma once

#define OPTDNN_INLINE inline __attribute__((always_inline))

// DEFINE(target, bytes) for each kind of processor: `target` stands before a function, and `bytes` is the width of its
// vectors. At run time the best of the functions is called. Everything they call has to be OPTDNN_INLINE. The attribute
// does not reach through templates, hence functions of one number type each.
//
// Vectors wider than the processor's are no way out: GCC keeps their sums in memory and compares number by number.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define OPTDNN_EACH_PROCESSOR(DEFINE)                   \
  DEFINE(__attribute__((target("arch=x86-64-v4"))), 64) \
  DEFINE(__attribute__((target("arch=x86-64-v3"))), 32) \
  DEFINE(__attribute__((target("default"))), 16)
#else
#define OPTDNN_EACH_PROCESSOR(DEFINE) DEFINE(, 16)
#endif
