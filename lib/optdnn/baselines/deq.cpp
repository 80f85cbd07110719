#include "optdnn/baselines/deq.h"

#include "optdnn/base/errors.h"
#include "optdnn/baselines/kept_states.h"
#include "optdnn/solvers/packing.h"

namespace optdnn::baselines {

using modules::Convolution;
using modules::Norm;
using modules::NormKind;
using torch::Tensor;

namespace {

constexpr int64_t kDeqPool = 8;

int64_t pooled(int64_t size_px) { return size_px / std::min(kDeqPool, size_px); }

}  // namespace

void DeqSpec::check(const NetworkShape& shape) const { require_images(kName, shape); }

// Paper: memory does not grow with the solver's steps.
Count DeqSpec::count(const NetworkShape& shape) const {
  const modules::Extent at{shape.input[1], shape.input[2]};
  const auto norm = [&](NormKind kind, int64_t channels) {
    return modules::count_norm(kind, channels, at.positions());
  };
  const Count layer = modules::count_convolution(width, hidden, 3, at) + norm(NormKind::group, hidden) +
                      modules::count_convolution(hidden, width, 3, at) + norm(NormKind::group, width) +
                      norm(NormKind::group, width) + Count{0, 0, width * at.positions()};
  const int64_t features = width * pooled(shape.input[1]) * pooled(shape.input[2]);
  return modules::count_convolution(shape.input[0], width, 3, at, /*with_bias=*/true) + norm(NormKind::batch, width) +
         models::solved(layer, solver) + norm(NormKind::batch, width) + modules::count_affine(features, shape.outputs);
}

models::Network DeqSpec::make(const NetworkShape& shape) const {
  return {torch::nn::AnyModule(Deq(*this, shape)), nullptr};
}

DeqImpl::DeqImpl(const DeqSpec& spec, const NetworkShape& shape)
    : stem_(torch::nn::Conv2dOptions(shape.input[0], spec.width, 3).padding(1)),
      conv1_(spec.width, spec.hidden, 3),
      conv2_(spec.hidden, spec.width, 3),
      stem_norm_(NormKind::batch, spec.width),
      norm1_(NormKind::group, spec.hidden),
      norm2_(NormKind::group, spec.width),
      norm3_(NormKind::group, spec.width),
      head_norm_(NormKind::batch, spec.width),
      solver_(spec.solver) {
  spec.check(shape);
  register_module("stem", stem_);
  register_module("stem_norm", stem_norm_);
  register_module("conv1", conv1_);
  register_module("norm1", norm1_);
  register_module("conv2", conv2_);
  register_module("norm2", norm2_);
  register_module("norm3", norm3_);
  register_module("solver", solver_);
  register_module("head_norm", head_norm_);
  const int64_t features = spec.width * pooled(shape.input[1]) * pooled(shape.input[2]);
  linear_ = register_module("linear", modules::Affine(features, shape.outputs));
  torch::NoGradGuard no_grad;
  for (const Convolution& conv : {conv1_, conv2_}) conv->weight.normal_(0.0, kEquilibriumDeviation);
}

Tensor DeqImpl::forward(const Tensor& images_BCHW) {
  const Tensor x = stem_norm_->forward(stem_->forward(images_BCHW));
  const solvers::Packing packing({x});
  const solvers::Map layer = [&](const Tensor& rows) {
    const Tensor z = packing.unpack(rows)[0];
    const Tensor hidden = norm1_->forward(torch::relu(conv1_->forward(z)));
    return packing.pack({norm3_->forward(torch::relu(z + norm2_->forward(x + conv2_->forward(hidden))))});
  };
  const Tensor solved = packing.unpack(solver_->solve(layer, packing.zeros()))[0];
  keep_state(0, solved);
  const Tensor z = head_norm_->forward(solved);
  const std::vector<int64_t> window = {std::min(kDeqPool, z.size(2)), std::min(kDeqPool, z.size(3))};
  return linear_->forward(torch::avg_pool2d(z, window).flatten(1));
}

}  // namespace optdnn::baselines
