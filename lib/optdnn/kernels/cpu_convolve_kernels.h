// What cpu_convolve.cpp shares out among threads: the kernels of one way, compiled for one kind of processor,
// as a table. Plain memory and no checks.
#pragma once

#include <cstdint>

#include "optdnn/base/processor.h"
#include "optdnn/kernels/cpu_convolve.h"

namespace optdnn::kernels {

namespace {  // since it is compiled for several processors
OPTDNN_INLINE int64_t place_of(const WeightStrides& strides, int64_t output, int64_t input, int64_t tap) {
  return output * strides.output + input * strides.input + tap / 3 * strides.row + tap % 3 * strides.column;
}
}  // namespace

// relu(scale x + shift), and the mean of x, per channel; zeros up to a multiple of kMostLanes. Null: none.
struct ConvolutionNorm {
  const float *scale = nullptr, *shift = nullptr, *mean = nullptr;
};
constexpr int64_t kMostLanes = 16;

// Sums over the outputs of a unit, of a vector of channels: so many times the lanes.
constexpr int64_t kSumsOfUnit = 4;

// What is added up over the outputs: moments; or of the gradient of relu(norm(x)) what the norm's gradient needs.
enum class ConvolutionSums { none, moments, gradient };

// A product of images with weights: y = x * w, or with the kernel rotated and inputs and outputs exchanged the
// gradient of the images. `shape` counts the channels of what is read as inputs.
struct ConvolutionProduct {
  ConvolutionShape shape;
  const float* x;
  const float* w;
  WeightStrides strides;
  bool rotated;
  float* y;
  ConvolutionNorm of_x = {};  // relu(norm(x)) in the place of x
  ConvolutionSums sums = ConvolutionSums::none;
  ConvolutionNorm of_y = {};      // whose gradient y is,
  const float* x_of_y = nullptr;  // and its argument
};

// How a product is cut: blocks of tiles, or images, that stay in the cache, each on one thread.
struct ProductPlan {
  int64_t block, blocks;                   // tiles or images of a block; number of blocks
  int64_t weight_parts;                    // of laying out the weights
  int64_t weight_floats, weight_position;  // laid out: their size, and from one position to the next
  int64_t in_position, out_position;       // of a block, transformed and multiplied
  bool in_place;
  int64_t thread_floats;  // scratch of one thread
  // Sums are taken of units of tiles, or of images, which no number of threads cuts: [unit][vector of outputs][of
  // what][lane].
  int64_t units, unit_floats, lanes;
};

struct WeightsGradient {
  ConvolutionShape shape;
  const float* x;
  const float* dy;
  float* dw;
  WeightStrides strides;
  ConvolutionNorm of_x = {};  // relu(norm(x)) in the place of x
};

// Tiles or images are summed in chunks, whose number the shape fixes, and the chunks in order.
struct WeightsGradientPlan {
  int64_t chunks, block;
  int64_t x_position, dy_position, dw_position;
  int64_t chunk_floats, thread_floats;
};

struct CpuConvolveKernels {
  ProductPlan (*plan_product)(const ConvolutionShape&, int64_t threads);
  void (*lay_out_weights)(const ConvolutionProduct&, const ProductPlan&, float* weights, int64_t begin, int64_t end);
  void (*multiply_blocks)(const ConvolutionProduct&, const ProductPlan&, const float* weights, float* scratch,
                          float* sums, int64_t begin, int64_t end);
  WeightsGradientPlan (*plan_gradient)(const ConvolutionShape&);
  void (*sum_chunks)(const WeightsGradient&, const WeightsGradientPlan&, float* chunks, float* scratch, int64_t begin,
                     int64_t end);
  // Of the outputs [begin, end).
  void (*add_chunks)(const WeightsGradient&, const WeightsGradientPlan&, const float* chunks, int64_t begin,
                     int64_t end);
};

const CpuConvolveKernels& winograd_avx2(Way way);
const CpuConvolveKernels& winograd_avx512(Way way);
const CpuConvolveKernels& winograd_narrow(Way way);  // of AVX-512, for at most kNarrowChannels
constexpr int64_t kNarrowChannels = 8;
const CpuConvolveKernels& rows_avx2();  // as many channels out as in
const CpuConvolveKernels& rows_avx512();

}  // namespace optdnn::kernels
