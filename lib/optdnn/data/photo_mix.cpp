#include "optdnn/data/photo_mix.h"

#include <algorithm>
#include <cmath>

#include "optdnn/photos/photo_augment.h"

namespace optdnn::data {

using torch::indexing::Ellipsis;
using torch::indexing::Slice;

Mixture draw_mixture(const photos::PhotoSpec& spec, base::RandomStream random) {
  const bool mixup = photos::contains(spec, photos::PhotoAugmentation::mixup),
             cutmix = photos::contains(spec, photos::PhotoAugmentation::cutmix);
  const bool cuts = mixup && cutmix ? random.coin() : cutmix;
  Mixture mixture{draw_beta(cuts ? spec.cutmix_alpha : spec.mixup_alpha, random), {}};
  if (!cuts) return mixture;
  const int64_t size = spec.size_px;
  const auto side = static_cast<int64_t>(static_cast<double>(size) * std::sqrt(1.0 - mixture.lambda));
  const auto span = [&](int64_t& low, int64_t& high) {
    const auto center = static_cast<int64_t>(random.below(size));
    low = std::max<int64_t>(center - side / 2, 0);
    high = std::min(center + side / 2, size);
  };
  span(mixture.box.top, mixture.box.bottom);
  span(mixture.box.left, mixture.box.right);
  const int64_t area = (mixture.box.bottom - mixture.box.top) * (mixture.box.right - mixture.box.left);
  mixture.lambda = 1.0 - static_cast<double>(area) / static_cast<double>(size * size);
  return mixture;
}

Batch mixed(const Batch& batch, const Mixture& mixture, int64_t classes) {
  const torch::Tensor targets_BK = torch::one_hot(batch.targets, classes).to(torch::kFloat32);
  const torch::Tensor mixed_BK = torch::lerp(targets_BK.flip(0), targets_BK, mixture.lambda);
  const Box& box = mixture.box;
  if (mixture.lambda == 1.0) return {batch.inputs, mixed_BK};
  if (box.bottom == box.top) return {torch::lerp(batch.inputs.flip(0), batch.inputs, mixture.lambda), mixed_BK};
  torch::Tensor inputs_BCHW = batch.inputs.clone();
  const std::vector<torch::indexing::TensorIndex> inside = {Ellipsis, Slice(box.top, box.bottom),
                                                            Slice(box.left, box.right)};
  inputs_BCHW.index_put_(inside, batch.inputs.flip(0).index(inside));
  return {inputs_BCHW, mixed_BK};
}

}  // namespace optdnn::data
