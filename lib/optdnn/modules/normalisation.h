// Weights that are normalised before they are used, and what they bound.
//   weight     w = g v / |v| for each output (Salimans, Kingma 2016)
//   spectral   the largest singular values are measured, and their product is kept below a constant
// A convolution is bounded by |conv| <= k |W|, W its weight as a matrix of outputs x (inputs k k): exact up to that k
// for any size of the image, and nothing has to be remembered from one iteration to the next (Singla, Feizi 2021).
#pragma once

#include <torch/torch.h>

#include <string_view>

#include "optdnn/base/names.h"
#include "optdnn/modules/activation.h"

namespace optdnn::modules {

enum class Normalisation { weight, spectral };
const base::NameTable<Normalisation>& enum_names(Normalisation);

// Shapes: weight O x ..., gain O.
torch::Tensor weight_normalised(const torch::Tensor& weight, const torch::Tensor& gain);

// Of symmetric matrices without negative eigenvalues. By a decomposition, which can be differentiated twice but makes
// the host wait for a GPU; or by repeated squaring, which does not wait and can be differentiated once. Shapes:
// [R x] N x N -> [R].
torch::Tensor largest_eigenvalue(const torch::Tensor& gram, bool by_squaring);

// The largest singular value of a matrix, or of one per run. Shapes: [R x] O x I -> [R].
torch::Tensor spectral_norm(const torch::Tensor& weight);

// The bound on the norm of a convolution with odd kernels and "same" padding. Shapes: O x I x k x k -> scalar.
torch::Tensor convolution_norm(const torch::Tensor& weight);

constexpr std::string_view kBatchNormCure = "dataset.drop_last: true, another batch_size, or norm: group";
constexpr std::string_view kGroupNormCure = "larger images, more channels than groups (at most 8), or norm: none";
// Errors: ConfigError if a norm would take its statistics of one value alone: the deviation is then 0/0, or the norm
// removes all there is. `of` says whose value that is: "a channel".
void check_several_values(int64_t values, std::string_view norm, std::string_view of, std::string_view cure);

double lipschitz_constant(Activation activation);

// min(1, lipschitz / (norms * that of the activation)).
torch::Tensor lipschitz_scale(double lipschitz, const torch::Tensor& norms, Activation activation);

// Group norm that divides by max(deviation, 1) instead: up to the centring this is the projection onto a ball, so its
// Lipschitz constant is 1. Shapes: x B x C x H x W; weight, which is kept within [-1, 1], and bias C.
torch::Tensor bounded_group_norm(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                                 const torch::Tensor& bias);

}  // namespace optdnn::modules
