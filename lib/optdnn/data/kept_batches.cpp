#include "optdnn/data/kept_batches.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

KeptBatches::KeptBatches(DataShape shape, std::map<uint64_t, std::vector<Batch>> batches, int64_t count)
    : shape_(std::move(shape)), batches_(std::move(batches)), count_(count) {}

Batch KeptBatches::batch(Split, uint64_t seed, int64_t, const std::vector<int64_t>& indices) const {
  const std::vector<Batch>& kept = of(seed);
  return kept[static_cast<size_t>(indices.front() / batch_size()) % kept.size()];
}

std::vector<Batch> first_batches(const Loader& loader, int64_t count) {
  std::vector<Batch> batches;
  auto epoch = loader.epoch(0);
  while (std::ssize(batches) < count) {
    auto batch = epoch.next();
    if (!batch || batch->inputs.size(0) < loader.options().batch_size) {
      throw base::ConfigError(
          base::concat("an epoch has ", batches.size(), " whole batches, and ", count, " are wanted"),
          batches.empty() ? "a smaller dataset.batch_size"
                          : base::concat("keep ", batches.size(), " of them: --batches ", batches.size()));
    }
    batches.push_back(std::move(*batch));
  }
  return batches;
}

}  // namespace optdnn::data
