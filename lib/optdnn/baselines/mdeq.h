// A multi-scale equilibrium network: states of several resolutions that one transformation leaves unchanged together.
// Every scale i has a residual block, then all are fused,
//
//   h_i  = relu(z_i + GN(x_i + W2 GN(relu(W1 z_i))))         x_i the injected input, at the finest scale only
//   z_i  = GN(V_i relu(sum_j resample_ij(h_j)))
//
// where resampling to a coarser scale is a chain of 3x3 convolutions of stride 2 with relu between them, to a finer one
// a 1x1 convolution and the nearest pixel, each with GN; V_i is 1x1. All convolutions have weight norm.
// Source: Bai, Koltun, Kolter 2020. Choice: the head pools every scale and reads all of them with one linear map.
#pragma once

#include "optdnn/baselines/spec.h"
#include "optdnn/models/ends.h"
#include "optdnn/modules/normalised_convolution.h"
#include "optdnn/solvers/fixed_point.h"

namespace optdnn::baselines {

// Errors: ConfigError if the input is no image, or too small for its scales.
void check(const MdeqSpec& spec, const NetworkShape& shape);

class MdeqImpl : public torch::nn::Module {
 public:
  // Errors: those of check.
  MdeqImpl(const MdeqSpec& spec, const NetworkShape& shape);
  // Shapes: images_BCHW -> logits_BK.
  torch::Tensor forward(const torch::Tensor& images_BCHW);

 private:
  struct Scale;
  // Shapes: one state per scale -> the same.
  std::vector<torch::Tensor> transform(const std::vector<torch::Tensor>& states, const torch::Tensor& x);

  std::shared_ptr<models::Map> stem_;
  modules::Norm stem_norm_;
  std::vector<std::shared_ptr<Scale>> scales_;
  solvers::FixedPoint solver_;
  modules::Affine linear_{nullptr};
};
TORCH_MODULE(Mdeq);

}  // namespace optdnn::baselines
