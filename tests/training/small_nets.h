// A small data set and small networks to train in tests.
#pragma once

#include <torch/torch.h>

#include "optdnn/data/dataset.h"
#include "optdnn/training/trainer.h"

namespace optdnn::training {

// Images of 2 x 6 x 6 around one pattern per class; a function of the sample's number alone.
class SmallImages : public data::DataSet {
 public:
  explicit SmallImages(int64_t train_samples = 100) : train_samples_(train_samples) {}
  data::DataShape shape() const override { return {{2, 6, 6}, 3, false}; }
  int64_t size(data::Split split) const override { return split == data::Split::train ? train_samples_ : 30; }
  data::Batch batch(data::Split split, uint64_t seed, int64_t epoch,
                    const std::vector<int64_t>& indices) const override;

  double factor = 1;  // of the images of sample `factor_sample`
  int64_t factor_sample = -1;

 private:
  int64_t train_samples_;
};

// y = sin(3 x) on [0, 1].
class SmallRegression : public data::DataSet {
 public:
  data::DataShape shape() const override { return {{1}, 1, true}; }
  int64_t size(data::Split) const override { return 64; }
  data::Batch batch(data::Split split, uint64_t seed, int64_t epoch,
                    const std::vector<int64_t>& indices) const override;
};

enum class Net { convolutions, with_batch_norm, with_dropout, vector };
// Initialised from `seed`.
torch::nn::AnyModule make_net(Net net, uint64_t seed = 1);

// A job on the CPU with SGD and a cosine; the loaders must outlive it.
struct SmallJob {
  explicit SmallJob(const data::DataSet& dataset, Net net = Net::convolutions, int64_t batch_size = 16,
                    int threads = 0);
  data::Loader train_loader, valid_loader, test_loader;
  TrainJob job;
  RunJob& run() { return job.runs.front(); }
};

// Trains the one run of a job. Errors: DivergedError.
TrainResult train_alone(TrainJob& job);

// All parameters and buffers in one vector of float64.
torch::Tensor flat_weights(const torch::nn::AnyModule& network);

}  // namespace optdnn::training
