// What baselines show of a forward pass to those who ask, as OptNet::stage_paths does of a rule's: the states of each
// stage in order; of an mdeq, that of each scale. A forward pass names them; where nobody asks nothing is kept.
//
//   KeptStates kept;                    from here on, in this thread
//   network.forward(images_BCHW);
//   kept.paths()[1].back()              the last state of the second stage
#pragma once

#include <torch/torch.h>

#include <vector>

namespace optdnn::baselines {

class KeptStates {
 public:
  KeptStates();
  ~KeptStates();
  KeptStates(const KeptStates&) = delete;
  KeptStates& operator=(const KeptStates&) = delete;

  const std::vector<std::vector<torch::Tensor>>& paths() const { return paths_; }  // by stage

 private:
  friend void keep_state(size_t stage, const torch::Tensor& state);

  KeptStates* outer_;
  std::vector<std::vector<torch::Tensor>> paths_;
};

// Said by forward passes. Shapes: any, the batch first.
void keep_state(size_t stage, const torch::Tensor& state);

}  // namespace optdnn::baselines
