// A convolution with normalised weights (normalisation.h), "same" padding and no bias. With `weight` it has a gain for
// each output, which starts at the length He-normal weights have; with `spectral` the weights are as they are, and the
// module that holds it scales their product.
// Shapes: B x inputs x H x W -> B x outputs x H/stride x W/stride.
#pragma once

#include "optdnn/modules/count.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/normalisation.h"

namespace optdnn::modules {

class NormalisedConvolutionImpl : public torch::nn::Module {
 public:
  NormalisedConvolutionImpl(int64_t inputs, int64_t outputs, int64_t kernel_px, int64_t stride,
                            Normalisation normalisation);
  // The weights that are used.
  torch::Tensor kernel() const { return gain.defined() ? weight_normalised(weight, gain) : weight; }
  // With those weights, or a multiple of them.
  torch::Tensor apply(const torch::Tensor& x, const torch::Tensor& kernel) const;
  torch::Tensor forward(const torch::Tensor& x) { return apply(x, kernel()); }
  torch::Tensor weight, gain;
  kernels::Convolutions convolutions = kernels::Convolutions::exact;

 private:
  int64_t stride_;
};
TORCH_MODULE(NormalisedConvolution);

// `at`: the extent of the output.
Count count_normalised_convolution(int64_t inputs, int64_t outputs, int64_t kernel_px, const Extent& at,
                                   Normalisation normalisation);

}  // namespace optdnn::modules
