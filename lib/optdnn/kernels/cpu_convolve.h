// 3x3 convolutions of stride 1, with one pixel of zeros around every image, on the CPU: float32, channels innermost.
// By Winograd's algorithm F(2x2, 3x3) takes 16 products for 36 of the direct way, F(4x4, 3x3) 36 for 144; an Inf or NaN
// spreads over the outputs of its way, and README.md says what else to know. By rows the direct way's products are
// made, and a number that is not finite reaches one pixel further to the sides. Values differ from LibTorch's by
// rounding; they do not depend on the number of threads. Source: Lavin, Gray 2016, arXiv 1509.09308.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "optdnn/kernels/channel_norm.h"
#include "optdnn/kernels/convolutions.h"

namespace optdnn::kernels {

// From one weight to the next along each index, in numbers: any layout of outputs x inputs x 3 x 3.
struct WeightStrides {
  int64_t output, input, row, column;
};

// The processors there are kernels for. None: this one is LibTorch's.
enum class Instructions { none, avx2, avx512 };
Instructions best_instructions();
std::vector<Instructions> instructions_here();  // best first, without none
std::string_view name_of(Instructions instructions);

// The ways below that can do the shape, whether they pay or not.
std::vector<Way> cpu_ways(const ConvolutionShape& shape);

// Images that are relu(norm(x)), with what the backward pass of the norm needs.
struct NormedImages {
  const ChannelMap* norm = nullptr;
  const float* x = nullptr;
  const std::vector<double>* mean = nullptr;  // about which the sums' products are taken
  ChannelSums* sums = nullptr;                // written
};

// y_BHWK = x_BHWC * w.     dx_BHWC from dy_BHWK and w.     dw from x_BHWC and dy_BHWK.
// With a norm the images are relu(norm(x)), which is never written, and zero around them all the same; dx is then the
// gradient of norm(x), zero where relu cut. `moments` become those of y. What is added up is so in an order that the
// shape fixes. On LibTorch's threads. Memory beside the arguments: convolve_workspace_bytes(). Requires: instructions
// of this processor, one of cpu_ways(shape), every count positive. Errors: std::bad_alloc.
void convolve_forward(Way way, const ConvolutionShape& shape, const float* x, const float* w,
                      const WeightStrides& strides, float* y, Instructions instructions = best_instructions(),
                      const ChannelMap* norm = nullptr, ChannelMoments* moments = nullptr);
void convolve_backward_data(Way way, const ConvolutionShape& shape, const float* dy, const float* w,
                            const WeightStrides& strides, float* dx, Instructions instructions = best_instructions(),
                            const NormedImages& normed = {});
void convolve_backward_weights(Way way, const ConvolutionShape& shape, const float* x, const float* dy, float* dw,
                               const WeightStrides& strides, Instructions instructions = best_instructions(),
                               const ChannelMap* norm = nullptr);

// The largest of the passes' needs with as many threads, but for sums: a hundredth of the outputs, a twenty-fifth with
// F(2x2). Requires instructions other than none.
int64_t convolve_workspace_bytes(Way way, const ConvolutionShape& shape, int64_t threads,
                                 Instructions instructions = best_instructions());

}  // namespace optdnn::kernels
