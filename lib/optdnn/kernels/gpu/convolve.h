// What the kernels of 3x3 convolutions are told (kernels/gpu/convolve.cuh), and how they lie in shared memory.
#pragma once

namespace optdnn::kernels::gpu {

constexpr int kConvolveThreads = 128, kAddThreads = 512;  // of a block
constexpr int kTaps = 9;
constexpr int kChunk = 8;  // channels, 16 bytes, that are read as one
constexpr int kTile = 8;   // pixels each way that a block takes at a time,
constexpr int kHalo = kTile + 2;
constexpr int kTilePixels = kTile * kTile, kHaloPixels = kHalo * kHalo;
constexpr int kAddedByBlock = 32;

constexpr int divided_up(int a, int b) { return (a + b - 1) / b; }
constexpr int tiles_of(int images, int height, int width) {
  return images * divided_up(height, kTile) * divided_up(width, kTile);
}
// Of a row of channels in shared memory: an odd number, so that eight rows lie in different banks.
constexpr int row_chunks(int channels) { return (channels / kChunk) | 1; }

// Chunks of shared memory: weights, pixels, one of zeros.
constexpr int convolve_chunks(int contracted, int made, bool gradient) {
  const int weights = gradient ? contracted * row_chunks(made) : made * row_chunks(contracted);
  return kTaps * weights + kHaloPixels * row_chunks(contracted) + 1;
}
// Planes of sixteen outputs, the warps' shares; what is left of four warps shares out the rows of pixels.
constexpr int planes_of(int outputs) { return divided_up(outputs, 16); }
constexpr int weights_chunks(int inputs, int outputs) {
  const int pixels = kHaloPixels * row_chunks(inputs) + kTilePixels * row_chunks(16 * planes_of(outputs));
  const int sums = planes_of(outputs) > 2 ? 0 : planes_of(outputs) * kTaps * inputs / kChunk * 32;
  return pixels > sums ? pixels : sums;
}

// Images with their channels innermost, stride 1, one pixel of zeros around; weights are outputs x 3 x 3 x inputs.
// The gradient of x is made by the same kernel, from that of y, with weights that are turned round.
struct Convolve {
  const void *x, *weights;
  void* y;
  int images, height, width;
  int inputs, outputs;  // of the layer
};

// The gradient of the weights: each block leaves its sums, which a second kernel adds up in the order of the blocks.
struct ConvolveWeights {
  const void *x, *dy;
  float* partial;
  void* d_weights;
  int images, height, width;
  int inputs, outputs;
  int blocks;  // of the first kernel, for each part of the inputs
};

}  // namespace optdnn::kernels::gpu
