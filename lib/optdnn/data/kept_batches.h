// A few batches kept in memory and served over and over as one long epoch: a data set that costs nothing, for timing.
#pragma once

#include <vector>

#include "optdnn/data/loader.h"

namespace optdnn::data {

class KeptBatches : public DataSet {
 public:
  // Serves `count` batches in all. Requires: at least one in `batches`, all of one size.
  KeptBatches(DataShape shape, std::vector<Batch> batches, int64_t count);

  DataShape shape() const override { return shape_; }
  int64_t size(Split) const override { return count_ * batch_size(); }
  bool fresh() const override { return true; }  // in their natural order
  // Requires: the indices of a whole batch, as a loader of batch_size() asks for.
  Batch batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const override;

  int64_t batch_size() const { return batches_.front().inputs.size(0); }
  const std::vector<Batch>& batches() const { return batches_; }

 private:
  DataShape shape_;
  std::vector<Batch> batches_;
  int64_t count_;
};

// The first `kept` batches of epoch 0, to be served `count` times in all. Errors: ConfigError if the epoch has not so
// many whole ones.
KeptBatches keep_batches(const DataSet& dataset, const Loader& loader, int64_t kept, int64_t count);

}  // namespace optdnn::data
