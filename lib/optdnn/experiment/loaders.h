// The batches an experiment trains on, is judged by and is tested on.
#pragma once

#include "optdnn/data/loader.h"
#include "optdnn/experiment/spec.h"

namespace optdnn::experiment {

struct Loaders {
  data::Loader train;
  std::optional<data::Loader> valid;  // where the experiment has a validation set
  data::Loader test;

  // Errors: ConfigError for Split::valid without a validation set.
  const data::Loader& of(data::Split split) const;
};

// What is thrown where a validation set is asked for and there is none.
base::ConfigError no_validation_set();

// The last batch of an epoch may be smaller than the others; a set smaller than a batch is one batch.
// With several seeds, batches of several runs; of several processes each gets its part. Requires: the data set outlives
// the loaders.
Loaders make_loaders(const data::DataSet& dataset, const ExperimentSpec& spec, const std::vector<uint64_t>& seeds,
                     int threads, data::Part part = {});

}  // namespace optdnn::experiment
