#include "optdnn/experiment/smallest_batch.h"

#include <algorithm>

#include "optdnn/experiment/network.h"

namespace optdnn::experiment {

namespace {

int64_t smallest_batch(const data::Loader& loader) {
  const int64_t last = loader.samples_per_epoch() % loader.options().batch_size;
  return last > 0 ? last : loader.options().batch_size;
}

}  // namespace

// Only one sample can leave one value to a channel, so that nearly every row passes without a network.
void check_smallest_batch(const Row& row, const data::DataSet& dataset, const data::Loader& train) {
  if (smallest_batch(train) > 1) return;
  const models::NetworkShape shape = network_shape(dataset.shape());
  if (!shape.is_image()) return;
  const torch::NoGradGuard no_grad;
  models::Network network = make_network(row.spec, shape, row.spec.seeds.front());
  network.module.ptr()->train();
  std::vector<int64_t> sizes{1};
  sizes.insert(sizes.end(), shape.input.begin(), shape.input.end());
  try {
    network.forward(torch::zeros(sizes));
  } catch (const base::ConfigError& error) {
    const std::string place = row.config.span_of("dataset").text();
    throw base::ConfigError(base::concat(place, place.empty() ? "" : ": ", "the ", train.samples_per_epoch(),
                                         " training images leave a batch of one, and ", error.what()),
                            error.hint());
  }
}

}  // namespace optdnn::experiment
