#include "optdnn/experiment/loaders.h"

#include <algorithm>

#include "optdnn/data/catalogue.h"

namespace optdnn::experiment {

Loaders make_loaders(const data::DataSet& dataset, const ExperimentSpec& spec, const std::vector<uint64_t>& seeds,
                     int threads) {
  data::LoaderOptions train{data::Split::train, data::batch_size(spec.dataset), seeds, threads,
                            data::drop_last(spec.dataset)};
  data::LoaderOptions test{data::Split::test, spec.evaluate.batch_size, seeds, threads, /*drop_last=*/false};
  train.batch_size = std::min(train.batch_size, dataset.size(data::Split::train));
  return {data::Loader(dataset, train), data::Loader(dataset, test)};
}

}  // namespace optdnn::experiment
