// A resolved config as the flat list that TensorBoard's HParams tab shows: "optimizer.learning_rate" 0.1,
// "width" "16, 32, 64", "seed" 0. Equations, results of the paper and the places of files are left out.
#pragma once

#include "optdnn/config/node.h"
#include "optdnn/metrics/sink.h"

namespace optdnn::experiment {

metrics::Hparams hparams_of(const config::Node& resolved);

}  // namespace optdnn::experiment
