// What a part of a network costs, worked out from its sizes: sums over layers, for which no network is built.
#pragma once

#include <cstdint>

#include "optdnn/modules/activation.h"
#include "optdnn/modules/layers.h"

namespace optdnn::modules {

// Of one sample. What depends on the weights alone (norms, normalisation of weights) is done once a batch: not counted.
struct Count {
  int64_t parameters = 0;
  int64_t multiply_adds = 0;  // of the convolutions and matrix products of a forward pass
  // Numbers that a training pass keeps for the backward pass, an estimate: of every layer the output, but for the last
  // layer of a part that is added to the state.
  int64_t kept = 0;

  double kept_mib() const { return static_cast<double>(kept) * 4 / (1 << 20); }  // as float32
  Count& operator+=(const Count& other);
  friend Count operator+(Count a, const Count& b) { return a += b; }
};

// The pixels of an image; height is the number of tokens of a sequence, and 1 of a vector.
struct Extent {
  int64_t height = 1, width = 1;
  int64_t positions() const { return height * width; }
};

// What a window of `kernel_px` pixels leaves that moves by `stride` over `padding` pixels around.
Extent windowed(const Extent& from, int64_t kernel_px, int64_t stride, int64_t padding);
// "Same" padding, as that of layers.h.
inline Extent convolved(const Extent& from, int64_t kernel_px, int64_t stride = 1) {
  return windowed(from, kernel_px, stride, kernel_px / 2);
}

Count count_affine(int64_t inputs, int64_t outputs, int64_t positions = 1, bool with_bias = true);
// `at`: the extent of the output. `inputs` are those one output reads: of a depthwise convolution 1.
Count count_convolution(int64_t inputs, int64_t outputs, int64_t kernel_px, const Extent& at, bool with_bias = false);
Count count_norm(NormKind kind, int64_t channels, int64_t positions);
// s(norm(x)); batch norm and relu are one layer.
Count count_activated_norm(NormKind kind, Activation activation, int64_t channels, int64_t positions);
Count count_activation(Activation activation, int64_t numbers);

// Without what the last layer would keep.
Count ending(Count last);

}  // namespace optdnn::modules
