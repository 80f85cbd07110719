// What the last and smallest batch of an epoch does to a network, found before the training rather than at its end.
#pragma once

#include "optdnn/data/loader.h"
#include "optdnn/experiment/table.h"

namespace optdnn::experiment {

// Errors: ConfigError with the place of the row's data set where a norm would see one value of each channel.
void check_smallest_batch(const Row& row, const data::DataSet& dataset, const data::Loader& train);

}  // namespace optdnn::experiment
