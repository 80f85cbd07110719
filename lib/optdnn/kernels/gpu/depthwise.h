// What the kernels of depthwise convolutions are told (kernels/gpu/depthwise.cuh), and how they lie in shared memory.
#pragma once

#include "optdnn/kernels/gpu/partial.h"

namespace optdnn::kernels::gpu {

constexpr int kDepthwiseTile = 14;                // pixels each way that a block takes at a time,
constexpr int kDepthwiseChannels = 32;            // and channels
constexpr int kStripRows = 2, kStripColumns = 7;  // of it that a thread takes, of two channels
constexpr int kDepthwiseThreads = kDepthwiseTile / kStripRows * 32;
constexpr int kDepthwiseBlocks = 2;                           // of a processor
constexpr int kLeftByBlock = kDepthwiseTile / kStripColumns;  // sums, one of each half of a warp

constexpr int depthwise_halo(int side) { return kDepthwiseTile + side - 1; }
// Of 16-bit numbers, two to a float.
constexpr int depthwise_pixel_floats(int side) { return side * side * kDepthwiseChannels / 2; }
// Of a block: weights and two rooms for tiles.
constexpr int depthwise_floats(int side) {
  return side * side * kDepthwiseChannels + 2 * depthwise_pixel_floats(depthwise_halo(side));
}
constexpr int depthwise_weights_floats(int side) {
  return 2 * (depthwise_pixel_floats(depthwise_halo(side)) + depthwise_pixel_floats(kDepthwiseTile));
}

// Images with their channels innermost, whose number is a multiple of eight; zeros around them. Weights are
// channels x side x side.
struct Depthwise {
  const void *x, *weights, *bias;  // bias: null for none
  void* y;
  int images, height, width, channels;
  bool mirrored;  // the weights, in both directions: what makes the gradient of x from that of y
};

// The gradients of weights and bias: blocks leave sums, parts x blocks x kLeftByBlock x (taps + 1) x
// kDepthwiseChannels, the last of which are the bias's; a second kernel adds them up.
struct DepthwiseWeights {
  const void *x, *dy;
  float* partial;
  void *d_weights, *d_bias;
  int images, height, width, channels;
  int blocks;  // of the first kernel, for each part
};

}  // namespace optdnn::kernels::gpu
