// The convolutions of modules and networks as one node: by Winograd's algorithm where kernels/convolutions.h says so,
// by LibTorch's where not, each pass for itself. LibTorch's too for what is not float32 on the CPU with channels
// innermost (but few channels in 16 bits on a GPU: kernels/gpu_convolve.h), for kernels other than 3x3 and strides
// other than 1, in autocast, and for the gradients when they are to be differentiated themselves.
#pragma once

#include <ATen/ceil_div.h>
#include <torch/torch.h>

#include "optdnn/kernels/convolutions.h"
#include "optdnn/modules/batch_norm_relu.h"

namespace optdnn::modules {

// "Same" padding, no bias. What is normed and not made yet is made while it is read, where the kernels can do all that
// is wanted, and never written. `moments`: where not null, what is known of those of the result, if the kernels run;
// their sums are taken while it is written. Where the weight is padded with inputs of zeros (narrow_weights.h), so is
// x. Shapes: x_BCHW, weight O x C x k x k -> B x O x H/stride x W/stride.
torch::Tensor convolve(const NormedRelu& x, const torch::Tensor& weight, int64_t stride,
                       kernels::Convolutions convolutions, KnownMoments* moments = nullptr);

// The channels of a padded network that has so many (narrow_weights.h): the next multiple of eight.
inline int64_t padded_channels(int64_t channels) { return at::round_up<int64_t>(channels, 8); }

// For every convolution inside; until then each is exact.
void set_convolutions(torch::nn::Module& network, kernels::Convolutions convolutions);

}  // namespace optdnn::modules
