// The words that kernels are written in, for CUDA. NVRTC brings no headers, so they are few; tests give the same words
// another meaning (tests/support/emulated_words.h) and run the same kernels on a CPU.
#pragma once

#define DEVICE __device__ inline
#define KERNEL __global__ void __launch_bounds__(256, 2)  // threads of a block, blocks of a processor at least
#define KERNEL_OF(threads, blocks) __global__ void __launch_bounds__(threads, blocks)
#define UNROLLED _Pragma("unroll")
#define UNROLLED_BY_4 _Pragma("unroll 4")
#define UNROLLED_BY_8 _Pragma("unroll 8")

namespace optdnn::kernels::gpu {

struct Half {
  unsigned short bits;
};
struct BFloat16 {
  unsigned short bits;
};

// First of all in every kernel. Where kernels overlap (overlap_kernels) its blocks come early, wait here until all that
// came before has ended and its writes are seen, and then let those of the next one come. Where they do not, all has ended
// already.
DEVICE void begin_kernel() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

DEVICE int thread() { return static_cast<int>(threadIdx.x); }
DEVICE int threads() { return static_cast<int>(blockDim.x); }
DEVICE int block() { return static_cast<int>(blockIdx.x); }
DEVICE int blocks() { return static_cast<int>(gridDim.x); }
DEVICE int part() { return static_cast<int>(blockIdx.y); }

DEVICE float* shared_memory() {
  extern __shared__ __align__(16) float memory[];
  return memory;
}
DEVICE void sync() { __syncthreads(); }    // of the threads of a block
DEVICE void sync_warp() { __syncwarp(); }  // of the 32 threads of a warp, all of which come here
// What was written before, by all that have met here, is seen by all before what comes after.
DEVICE void fence() { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }
DEVICE int add_to(int* number, int more) { return atomicAdd(number, more); }  // returns what it was

// What other blocks have written, which a processor's own cache may not know.
DEVICE void read_fresh(const float* from, float (&to)[1]) {
  asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(to[0]) : "l"(from));
}
DEVICE void read_fresh(const float* from, float (&to)[2]) {
  asm volatile("ld.global.cg.v2.f32 {%0, %1}, [%2];" : "=f"(to[0]), "=f"(to[1]) : "l"(from) : "memory");
}
DEVICE void read_fresh(const float* from, float (&to)[4]) {
  asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(to[0]), "=f"(to[1]), "=f"(to[2]), "=f"(to[3])
               : "l"(from)
               : "memory");
}

DEVICE unsigned shared_address(const void* of) { return static_cast<unsigned>(__cvta_generic_to_shared(of)); }

// 16 bytes that go to shared memory while the thread goes on; zeros unless they are there.
DEVICE void begin_copy(void* to, const void* from, bool is_there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(is_there ? 16 : 0)
               : "memory");
}
DEVICE void wait_for_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }  // those of the thread

// The sum over `lanes` neighbouring threads: a power of two, 32 at most. All threads of a warp have to come here.
DEVICE float add_across(float x, int lanes) {
  for (int apart = lanes / 2; apart > 0; apart /= 2) x += __shfl_xor_sync(0xffffffffu, x, apart);
  return x;
}

DEVICE float inverse_root(float x) { return 1.0f / sqrtf(x); }
DEVICE float root(float x) { return sqrtf(x); }
DEVICE float exp_minus_one(float x) { return expm1f(x); }
DEVICE float hyperbolic_tangent(float x) { return tanhf(x); }
DEVICE bool is_finite(float x) { return fabsf(x) <= 3.402823466e38f; }

DEVICE float widen(float number) { return number; }
DEVICE float widen(Half number) {
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(number.bits));
  return wide;
}
DEVICE float widen(BFloat16 number) { return __uint_as_float(static_cast<unsigned>(number.bits) << 16); }

// To the nearest, ties to even; NaN stays.
DEVICE void narrow(float wide, float& number) { number = wide; }
DEVICE void narrow(float wide, Half& number) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(number.bits) : "f"(wide)); }
DEVICE void narrow(float wide, BFloat16& number) {
  const unsigned bits = __float_as_uint(wide);
  const unsigned rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  number.bits = static_cast<unsigned short>(wide != wide ? 0x7fc0u : rounded);
}

// Products of small matrices by a warp, whose 32 lanes hold them together (mma and ldmatrix of PTX). Each lane names a
// row of eight 16-bit numbers in shared memory, eight lanes a matrix of 8 x 8, all lanes four of them; lane l gets of
// each matrix row l / 4, columns 2 (l % 4) and the next; turned: of column l / 4 those two rows.
DEVICE void load_matrices(const void* row, unsigned (&to)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}
DEVICE void load_matrices_turned(const void* row, unsigned (&to)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}

// sums += left right, 16 x 8 += (16 x 16) (16 x 8). Of left: rows 0-7 and 8-15 of columns 0-7, then of columns 8-15; of
// right, whose matrices are turned: rows 0-7, rows 8-15; of the sums lane l has row l / 4, columns 2 (l % 4) and the
// next, then the same of row l / 4 + 8.
template <class Number>
DEVICE void multiply_add(const unsigned (&left)[4], unsigned right_0, unsigned right_1, float (&sums)[4]);
template <>
DEVICE void multiply_add<Half>(const unsigned (&left)[4], unsigned right_0, unsigned right_1, float (&sums)[4]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right_0), "r"(right_1));
}
template <>
DEVICE void multiply_add<BFloat16>(const unsigned (&left)[4], unsigned right_0, unsigned right_1, float (&sums)[4]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right_0), "r"(right_1));
}

}  // namespace optdnn::kernels::gpu
