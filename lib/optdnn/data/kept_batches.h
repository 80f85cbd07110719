// A few batches kept in memory and served over and over as one long epoch: a data set that costs nothing, for timing.
#pragma once

#include <map>
#include <vector>

#include "optdnn/data/loader.h"

namespace optdnn::data {

class KeptBatches : public DataSet {
 public:
  // By seed, the batches it is served in turn, `count` in all. Requires: all of one size, and as many for each seed.
  KeptBatches(DataShape shape, std::map<uint64_t, std::vector<Batch>> batches, int64_t count);

  DataShape shape() const override { return shape_; }
  int64_t size(Split) const override { return count_ * batch_size(); }
  bool fresh() const override { return true; }  // in their natural order
  // Requires: a seed that was given; the indices of a whole batch, as a loader of batch_size() asks for.
  Batch batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const override;

  int64_t batch_size() const { return of(batches_.begin()->first).front().inputs.size(0); }
  const std::vector<Batch>& of(uint64_t seed) const { return batches_.at(seed); }

 private:
  DataShape shape_;
  std::map<uint64_t, std::vector<Batch>> batches_;
  int64_t count_;
};

// The first `count` batches of a loader's epoch 0. Errors: ConfigError if it has not so many whole ones.
std::vector<Batch> first_batches(const Loader& loader, int64_t count);

}  // namespace optdnn::data
