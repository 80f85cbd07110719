// Several runs as one network, each with its own learning rate and weight decay. A step of SGD, Adam and AdamW is
// linear in the learning rate, so it is made at the largest one and scaled run by run:
//   w_r += (lr_r / max lr) (step of all at max lr)_r
// Decay comes before it: coupled, decay_r w is added to the gradient; decoupled, w is multiplied by 1 - lr_r decay_r.
#pragma once

#include "optdnn/training/optimizer.h"

namespace optdnn::training {

// At the schedule's peak.
struct RunRates {
  double learning_rate = 0, weight_decay = 0;
};

RunRates rates_of(const OptimizerSpec& spec);

// `spec` with this learning rate and weight decay.
OptimizerSpec with_rates(OptimizerSpec spec, const RunRates& rates);

// For parameters with a leading run dimension, one entry of `rates` per run. step() takes the learning rate of the
// first run. State: that of the optimizer inside.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec, const NamedParameters& parameters,
                                          const std::vector<RunRates>& rates);

}  // namespace optdnn::training
