// What the kernels of 3x3 convolutions are told (kernels/gpu/convolve.cuh), and how they lie in shared memory.
#pragma once

#include "optdnn/kernels/gpu/partial.h"

namespace optdnn::kernels::gpu {

constexpr int kConvolveThreads = 128;  // of a block
constexpr int kTaps = 9;
constexpr int kChunk = 8;  // channels, 16 bytes, that are read as one
constexpr int kTile = 8;   // pixels each way that a block takes at a time,
constexpr int kHalo = kTile + 2;
constexpr int kTilePixels = kTile * kTile, kHaloPixels = kHalo * kHalo;
constexpr int kAddedByBlock = 32;

constexpr int tiles_of(int images, int height, int width) {
  return images * divided_up(height, kTile) * divided_up(width, kTile);
}
// Of a row of channels in shared memory: an odd number, so that eight rows lie in different banks.
constexpr int row_chunks(int channels) { return (channels / kChunk) | 1; }

// The numbers of a norm in shared memory: rows of so many channels.
enum NormRow { kNormMean, kNormScale, kNormShift, kNormInverse, kNormRows };
constexpr int norm_chunks(int channels) { return kNormRows * channels / 4; }
// Of a number of each thread there, so that those of one lane of each number are in different banks.
constexpr int kSumsStride = kConvolveThreads + 4;

// Chunks of shared memory: weights, pixels, one of zeros. With norms those of the layer's inputs, and of each output
// what its moments are about; at the end the threads' sums.
constexpr int convolve_chunks(int contracted, int made, bool gradient, bool normed) {
  const int weights = gradient ? contracted * row_chunks(made) : made * row_chunks(contracted);
  const int all = kTaps * weights + kHaloPixels * row_chunks(contracted) + 1;
  if (!normed) return all;
  const int with_norm = all + norm_chunks(gradient ? made : contracted) + made / 4, sums = kSumsStride * made / kChunk;
  return with_norm > sums ? with_norm : sums;
}
// Planes of sixteen outputs, the warps' shares; what is left of four warps shares out the rows of pixels.
constexpr int planes_of(int outputs) { return divided_up(outputs, 16); }
constexpr int weights_chunks(int inputs, int outputs, bool normed) {
  const int of_norm = normed ? norm_chunks(inputs) : 0;
  const int pixels = of_norm + kHaloPixels * row_chunks(inputs) + kTilePixels * row_chunks(16 * planes_of(outputs));
  const int sums = planes_of(outputs) > 2 ? 0 : planes_of(outputs) * kTaps * inputs / kChunk * 32;
  return pixels > sums ? pixels : sums;
}

// A batch norm of the layer's inputs whose relu is what the layer reads.
struct ChannelNorm {
  const float *weight, *bias;
  const float *mean, *inverse;  // of the batch; null: there is none
};

// Images with their channels innermost, stride 1, one pixel of zeros around; weights are outputs x 3 x 3 x inputs.
// The gradient of x is made by the same kernel, from that of y, with weights that are turned round.
struct Convolve {
  const void *x, *weights;
  void* y;
  int images, height, width;
  int inputs, outputs;  // of the layer
  // Of kernels that take norms along. Forward x is normed while it is read, and the moments of y are left; backwards y
  // is set to zero where relu was, and what is left of it are the sums of it and of its product with the normed input.
  ChannelNorm norm;
  const void* input;  // backwards: that of the norm
  Partial left;
};

// The gradient of the weights: each block leaves its sums, which a second kernel adds up in the order of the blocks.
struct ConvolveWeights {
  const void *x, *dy;
  float* partial;
  void* d_weights;
  int images, height, width;
  int inputs, outputs;
  int blocks;        // of the first kernel, for each part of the inputs
  ChannelNorm norm;  // of x
  // What the gradient of x has left for the norm's own; the second kernel adds it up too.
  Partial left;
  float *d_norm_weight, *d_norm_bias;
};

}  // namespace optdnn::kernels::gpu
