#include "optdnn/data/kept_batches.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

KeptBatches::KeptBatches(DataShape shape, std::vector<Batch> batches, int64_t count)
    : shape_(std::move(shape)), batches_(std::move(batches)), count_(count) {}

Batch KeptBatches::batch(Split, uint64_t, int64_t, const std::vector<int64_t>& indices) const {
  return batches_[static_cast<size_t>(indices.front() / batch_size()) % batches_.size()];
}

KeptBatches keep_batches(const DataSet& dataset, const Loader& loader, int64_t kept, int64_t count) {
  std::vector<Batch> batches;
  auto epoch = loader.epoch(0);
  while (std::ssize(batches) < kept) {
    auto batch = epoch.next();
    if (!batch || batch->inputs.size(0) < loader.options().batch_size) {
      throw base::ConfigError(
          base::concat("an epoch has ", batches.size(), " whole batches, and ", kept, " are wanted"),
          "a smaller dataset.batch_size");
    }
    batches.push_back(std::move(*batch));
  }
  return {dataset.shape(), std::move(batches), count};
}

}  // namespace optdnn::data
