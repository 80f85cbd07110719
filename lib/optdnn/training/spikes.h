// Counts losses that stand out: above the running mean by six deviations and by half the mean. Mean and variance are
// exponential, m = w m + (1 - w) loss with w = 0.98, and a spike enters them no higher than that bound. All three
// figures are choices. A spike changes nothing but the record train/spikes and a line in the log.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace optdnn::training {

class Spikes {
 public:
  explicit Spikes(int64_t runs) : runs_(runs) {}

  // Whether this loss is a spike. Losses that are not finite are not looked at.
  bool see(int64_t run, double loss);
  // The same, and the log says so.
  void watch(int64_t run, double loss, int64_t iteration);
  int64_t count(int64_t run) const { return static_cast<int64_t>(runs_[run].count); }

  // For the checkpoint of a run: four numbers, float64.
  torch::Tensor packed(int64_t run) const;
  void unpack(const torch::Tensor& numbers_4, int64_t run);

 private:
  struct Running {
    double seen = 0, mean = 0, variance = 0, count = 0;
  };
  std::vector<Running> runs_;
};

}  // namespace optdnn::training
