#include "optdnn/experiment/loaders.h"

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/data/catalogue.h"

namespace optdnn::experiment {

Loaders make_loaders(const data::DataSet& dataset, const ExperimentSpec& spec, const std::vector<uint64_t>& seeds,
                     int threads, data::Part part) {
  data::LoaderOptions train{
      data::Split::train, data::batch_size(spec.dataset), seeds, threads, data::drop_last(spec.dataset), part};
  data::LoaderOptions test{data::Split::test, spec.evaluate.batch_size, seeds, threads, /*drop_last=*/false, part};
  train.batch_size = std::min(train.batch_size, dataset.size(data::Split::train));
  std::optional<data::Loader> valid;
  if (dataset.size(data::Split::valid) > 0) {
    data::LoaderOptions options = test;
    options.split = data::Split::valid;
    valid.emplace(dataset, options);
  }
  return {data::Loader(dataset, train), valid, data::Loader(dataset, test)};
}

base::ConfigError no_validation_set() {
  return base::ConfigError("this experiment has no validation set", "dataset.validation makes one");
}

const data::Loader& Loaders::of(data::Split split) const {
  if (split == data::Split::train) return train;
  if (split == data::Split::test) return test;
  if (!valid) throw no_validation_set();
  return *valid;
}

}  // namespace optdnn::experiment
