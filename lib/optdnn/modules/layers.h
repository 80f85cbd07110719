// The layers modules are made of. They differ from LibTorch's own in two ways: weights may carry a leading run
// dimension, so that many seeds of a vector network are one network; and batch statistics may be kept per step, so that
// weights shared by all steps do not share them.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "optdnn/base/names.h"
#include "optdnn/modules/activation.h"
#include "optdnn/modules/batch_norm_relu.h"
#include "optdnn/modules/convolve.h"
#include "optdnn/modules/group_norm_relu.h"

namespace optdnn::world {
class World;
}

namespace optdnn::modules {

// y = x W^T + b.
// Shapes: x_BD, W_HD, b_H -> B x H; with runs: x_RBD, W_RHD, b_RH -> R x B x H. A bias that is not defined is left out.
torch::Tensor affine(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

class AffineImpl : public torch::nn::Module {
 public:
  AffineImpl(int64_t inputs, int64_t outputs, bool with_bias = true);  // initialised as torch's Linear is
  torch::Tensor forward(const torch::Tensor& x) { return affine(x, weight, bias); }
  torch::Tensor weight, bias;
};
TORCH_MODULE(Affine);

// A convolution without bias, "same" padding, He-normal weights (fan out, as the ResNets were trained).
// Shapes: images_BCHW -> B x outputs x H/stride x W/stride.
class ConvolutionImpl : public torch::nn::Module {
 public:
  ConvolutionImpl(int64_t inputs, int64_t outputs, int64_t kernel_px, int64_t stride = 1);
  // `moments`: see convolve.
  torch::Tensor forward(const NormedRelu& x, KnownMoments* moments = nullptr) {
    return convolve(x, weight, stride_, convolutions, moments);
  }
  torch::Tensor weight;
  kernels::Convolutions convolutions = kernels::Convolutions::exact;
  int64_t input_parts = 1;  // equal ones, side by side, that its inputs consist of

 private:
  int64_t stride_;
};
TORCH_MODULE(Convolution);

enum class NormKind { batch, group, layer, none };
const base::NameTable<NormKind>& enum_names(NormKind);
// Whether each channel is normalised by itself, or none.
inline bool is_by_channel(NormKind kind) { return kind == NormKind::batch || kind == NormKind::none; }

// Normalisation over the channels of B x C x H x W (or B x C), with one affine map or none, and `steps` sets of running
// statistics.
class NormImpl : public torch::nn::Module {
 public:
  NormImpl(NormKind kind, int64_t channels, int64_t steps = 1, bool affine = true);
  torch::Tensor forward(const torch::Tensor& x, int64_t step = 0);
  torch::Tensor activated(const torch::Tensor& x, Activation activation, int64_t step = 0);  // s(forward(x, step))
  std::optional<BatchNorm> with_relu(Activation activation, int64_t step) const;  // where s(norm) is batch_norm_relu
  // s(norm(x)) of a norm over groups or a layer, perhaps the bounded one. Errors: as forward.
  torch::Tensor activated_groups(const torch::Tensor& x, Activation activation, bool bounded) const;
  // activated(...), to be made by the convolution that reads it; and of another convolution's result, which takes the
  // moments along.
  NormedRelu to_make(const torch::Tensor& x, Activation activation, int64_t step = 0, const KnownMoments& moments = {});
  NormedRelu to_make_after(Convolution& convolution, const NormedRelu& x, Activation activation, int64_t step = 0);
  torch::Tensor weight, bias;               // C; without an affine map not defined
  torch::Tensor running_mean, running_var;  // steps x C
  int64_t parts = 1;                        // equal ones, side by side, that its channels consist of
  const world::World* world = nullptr;      // of synchronise(): whose processes have shares of a batch

 private:
  BatchNorm batch_norm(int64_t step) const;
  void check_groups(const torch::Tensor& x) const;

  NormKind kind_;
  int64_t groups_ = 1;
};
TORCH_MODULE(Norm);

}  // namespace optdnn::modules
