// Loops over plain memory, compiled once for each kind of processor.
#pragma once

#define OPTDNN_INLINE inline __attribute__((always_inline))

// Before a function: one clone of it per processor, with everything it calls that is OPTDNN_INLINE inside. The
// attribute does not reach through templates, hence functions of one number type each.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define OPTDNN_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define OPTDNN_EACH_PROCESSOR
#endif
