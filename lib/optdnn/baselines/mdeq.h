// A multi-scale equilibrium network: states of several resolutions that one transformation leaves unchanged together.
// Every scale i has a residual block, then all are fused,
//
//   h_i  = GN(relu(z_i + GN(x_i + m_i W2 relu(GN(W1 z_i)))))    x_i the injected input, at the finest scale only
//   z_i  = GN(V_i relu(sum_j resample_ij(h_j)))
//
// where W1 widens `expansion` times and m_i, the dropout, is one mask per sample and channel for all steps of a solve.
// Resampling to a coarser scale is a chain of 3x3 convolutions of stride 2 with relu between them, to a finer one a 1x1
// convolution and the nearest pixel, each with GN; V_i is 1x1. W1, W2 and V_i have weight norm. GN has 8 groups, the
// last one 4. The stem is two 3x3 convolutions, each with batch norm and relu.
// Source: Bai, Koltun, Kolter 2020, and their published code for "MDEQ-small" on CIFAR-10 (the paper: 170 k parameters;
// that code's, and ours: 158,986). All convolutions start at N(0, 0.01^2). Choice: those with weight norm too, where
// the code's N(0, 0.01^2) falls on the normalised weight and is lost.
#pragma once

#include "optdnn/baselines/mdeq_head.h"
#include "optdnn/solvers/fixed_point.h"

namespace optdnn::baselines {

class MdeqImpl : public torch::nn::Module {
 public:
  // Errors: those of the spec's check.
  MdeqImpl(const MdeqSpec& spec, const NetworkShape& shape);
  // Shapes: images_BCHW -> logits_BK.
  torch::Tensor forward(const torch::Tensor& images_BCHW);

 private:
  struct OnceNormalised;
  struct Resampling;
  struct Scale;
  // Shapes: one state per scale -> the same.
  std::vector<torch::Tensor> transform(const std::vector<torch::Tensor>& states, const torch::Tensor& x);
  // Whether this pass is one of the first, which run a few steps and no solve.
  bool begins();

  MdeqSpec spec_;
  modules::Convolution stem1_, stem2_;
  modules::Norm norm1_, norm2_;
  std::vector<std::shared_ptr<Scale>> scales_;
  solvers::FixedPoint solver_;
  std::shared_ptr<MdeqHead> head_;
  torch::Tensor passes_;  // of training so far, with pretraining alone
};
TORCH_MODULE(Mdeq);

}  // namespace optdnn::baselines
