// ConvNeXt and ViT blocks as loops over single numbers in double precision, from the equations of their papers; weights
// by the names of the modules.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>

namespace optdnn::tests {

using Weights = std::map<std::string, torch::Tensor>;  // float64

// Every parameter whose name begins with `prefix`, by the rest of its name.
Weights weights_below(const torch::nn::Module& module, const std::string& prefix);

torch::Tensor naive_patches(const Weights& conv, const torch::Tensor& images_BCHW, int64_t patch_px);
torch::Tensor naive_norm(const Weights& norm, const torch::Tensor& x_NC);
torch::Tensor naive_linear(const Weights& linear, const torch::Tensor& x_NC);
torch::Tensor naive_convnext(const Weights& module, const torch::Tensor& x_BCHW);                   // T(x)
torch::Tensor naive_transformer(const Weights& module, const torch::Tensor& z_BND, int64_t heads);  // T(z)

// Rows of channels and back: B x C x H x W -> BHW x C.
torch::Tensor to_rows(const torch::Tensor& x_BCHW);
torch::Tensor to_image(const torch::Tensor& rows_NC, torch::IntArrayRef sizes_BCHW);

}  // namespace optdnn::tests
