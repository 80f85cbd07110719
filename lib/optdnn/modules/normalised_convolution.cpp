#include "optdnn/modules/normalised_convolution.h"

namespace optdnn::modules {

NormalisedConvolutionImpl::NormalisedConvolutionImpl(int64_t inputs, int64_t outputs, int64_t kernel_px, int64_t stride,
                                                     Normalisation normalisation)
    : stride_(stride) {
  weight = register_parameter("weight", Convolution(inputs, outputs, kernel_px)->weight.detach().clone());
  if (normalisation == Normalisation::spectral) return;
  gain = register_parameter("gain", weight.detach().flatten(1).norm(2, 1));
}

torch::Tensor NormalisedConvolutionImpl::apply(const torch::Tensor& x, const torch::Tensor& kernel) const {
  return convolve(x, kernel, stride_, convolutions);
}

Count count_normalised_convolution(int64_t inputs, int64_t outputs, int64_t kernel_px, const Extent& at,
                                   Normalisation normalisation) {
  Count count = count_convolution(inputs, outputs, kernel_px, at);
  if (normalisation == Normalisation::weight) count.parameters += outputs;  // the gains
  return count;
}

}  // namespace optdnn::modules
