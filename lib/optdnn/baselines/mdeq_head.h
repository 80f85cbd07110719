// How the published MDEQ classifies: every scale is widened by a bottleneck block, then the finest is halved and added
// to the next, down to the coarsest, and a 1x1 convolution, the mean over pixels and a linear map end it. All
// convolutions but those of a block have biases, all are followed by batch norm, those of a block's own by one without
// an affine map. Source: Bai, Koltun, Kolter 2020, their published code.
#pragma once

#include "optdnn/baselines/mdeq_spec.h"
#include "optdnn/modules/layers.h"

namespace optdnn::baselines {

class MdeqHead : public torch::nn::Module {
 public:
  // Requires as many head widths as scales.
  MdeqHead(const MdeqSpec& spec, int64_t outputs);
  // Shapes: one state per scale, finest first -> logits_BK.
  torch::Tensor forward(const std::vector<torch::Tensor>& states);

 private:
  struct Block;
  struct Rectified;
  std::vector<std::shared_ptr<Block>> blocks_;
  std::vector<std::shared_ptr<Rectified>> halve_;
  std::shared_ptr<Rectified> last_;
  modules::Affine linear_{nullptr};
};

// `finest`: the extent of the finest scale.
Count count_mdeq_head(const MdeqSpec& spec, const modules::Extent& finest, int64_t outputs);

}  // namespace optdnn::baselines
