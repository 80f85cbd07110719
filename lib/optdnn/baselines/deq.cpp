#include "optdnn/baselines/deq.h"

#include "optdnn/base/errors.h"
#include "optdnn/solvers/packing.h"

namespace optdnn::baselines {

using modules::Norm;
using modules::NormalisedConvolution;
using modules::NormKind;
using torch::Tensor;

void check(const DeqSpec&, const NetworkShape& shape) {
  if (!shape.is_image()) throw base::ConfigError("model 'deq' wants images, the data set has vectors", "model: mlp");
}

DeqImpl::DeqImpl(const DeqSpec& spec, const NetworkShape& shape)
    : conv1_(spec.width, spec.hidden, 3, 1, modules::Normalisation::weight),
      conv2_(spec.hidden, spec.width, 3, 1, modules::Normalisation::weight),
      stem_norm_(NormKind::batch, spec.width),
      norm1_(NormKind::group, spec.hidden),
      norm2_(NormKind::group, spec.width),
      norm3_(NormKind::group, spec.width),
      solver_(spec.solver) {
  check(spec, shape);
  stem_ = register_module("stem", models::make_stem(models::ConvStem{}, shape, spec.width));
  register_module("stem_norm", stem_norm_);
  register_module("conv1", conv1_);
  register_module("norm1", norm1_);
  register_module("conv2", conv2_);
  register_module("norm2", norm2_);
  register_module("norm3", norm3_);
  register_module("solver", solver_);
  head_ = register_module("head", models::make_head(models::PoolLinearHead{}, shape, spec.width));
}

Tensor DeqImpl::forward(const Tensor& images_BCHW) {
  const Tensor x = stem_norm_->forward(stem_->forward(images_BCHW));
  const Tensor first = conv1_->kernel(), last = conv2_->kernel();
  const solvers::Packing packing({x});
  const solvers::Map layer = [&](const Tensor& rows) {
    const Tensor z = packing.unpack(rows)[0];
    const Tensor hidden = norm1_->forward(torch::relu(conv1_->apply(z, first)));
    return packing.pack({norm3_->forward(torch::relu(z + norm2_->forward(x + conv2_->apply(hidden, last))))});
  };
  return head_->forward(packing.unpack(solver_->solve(layer, packing.zeros()))[0]);
}

}  // namespace optdnn::baselines
