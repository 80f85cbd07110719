// What winograd.cpp shares out among threads: the kernels of one tile, compiled for one kind of processor, as a table.
// Plain memory and no checks.
#pragma once

#include <cstdint>

#include "optdnn/kernels/winograd.h"

namespace optdnn::kernels {

// relu(scale x + shift), and the mean of x, per channel; zeros up to a multiple of kMostLanes. Null: none.
struct WinogradNorm {
  const float *scale = nullptr, *shift = nullptr, *mean = nullptr;
};
constexpr int64_t kMostLanes = 16;

// What is added up over the outputs: moments; or of the gradient of relu(norm(x)) what the norm's gradient needs.
enum class WinogradSums { none, moments, gradient };

// A product of images with weights: y = x * w, or with the kernel rotated and inputs and outputs exchanged the
// gradient of the images. `shape` counts the channels of what is read as inputs.
struct WinogradProduct {
  WinogradShape shape;
  const float* x;
  const float* w;
  WeightStrides strides;
  bool rotated;
  float* y;
  WinogradNorm of_x = {};  // relu(norm(x)) in the place of x
  WinogradSums sums = WinogradSums::none;
  WinogradNorm of_y = {};         // whose gradient y is,
  const float* x_of_y = nullptr;  // and its argument
};

// How a product is cut: blocks of tiles that stay in the cache, each on one thread.
struct WinogradProductPlan {
  int64_t block, blocks;                   // tiles of a block; number of blocks
  int64_t weight_parts;                    // of the transform of the weights
  int64_t weight_floats, weight_position;  // U: its size, and from one position to the next
  int64_t in_position, out_position;       // of a block, transformed and multiplied
  bool in_place;
  int64_t thread_floats;  // scratch of one thread
  // Sums are taken of units of tiles, which no number of threads cuts: [unit][vector of outputs][of what][lane].
  int64_t units, unit_floats, lanes;
};

struct WinogradGradient {
  WinogradShape shape;
  const float* x;
  const float* dy;
  float* dw;
  WeightStrides strides;
  WinogradNorm of_x = {};  // relu(norm(x)) in the place of x
};

// The tiles are summed in chunks, whose number the shape fixes, and the chunks in order.
struct WinogradGradientPlan {
  int64_t chunks, block;
  int64_t x_position, dy_position, dw_position;
  int64_t chunk_floats, thread_floats;
};

struct WinogradKernels {
  WinogradProductPlan (*plan_product)(const WinogradShape&, int64_t threads);
  void (*transform_weights)(const WinogradProduct&, const WinogradProductPlan&, float* U, int64_t begin, int64_t end);
  void (*multiply_blocks)(const WinogradProduct&, const WinogradProductPlan&, const float* U, float* scratch,
                          float* sums, int64_t begin, int64_t end);
  WinogradGradientPlan (*plan_gradient)(const WinogradShape&);
  void (*sum_chunks)(const WinogradGradient&, const WinogradGradientPlan&, float* chunks, float* scratch, int64_t begin,
                     int64_t end);
  // Of the outputs [begin, end).
  void (*add_chunks)(const WinogradGradient&, const WinogradGradientPlan&, const float* chunks, int64_t begin,
                     int64_t end);
};

const WinogradKernels& winograd_avx2(WinogradTile tile);
const WinogradKernels& winograd_avx512(WinogradTile tile);
const WinogradKernels& winograd_narrow(WinogradTile tile);  // of AVX-512, for at most kNarrowChannels
constexpr int64_t kNarrowChannels = 8;

}  // namespace optdnn::kernels
