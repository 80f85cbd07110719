// What the training loop is given, from a spec and what was made of it.
#pragma once

#include "optdnn/experiment/loaders.h"
#include "optdnn/models/network.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

// For one run on the CPU; the caller fills in what is its own. Requires that the loaders outlive the job.
// Errors: ConfigError if the loss does not fit the data.
training::TrainJob make_job(const ExperimentSpec& spec, const data::DataShape& shape, const models::Network& network,
                            const Loaders& loaders);

// The weights' 16-bit copies (modules/narrow_weights.h), where the precision wants them. Refers to the network.
training::AroundForward around_forward(const models::Network& network, const training::TrainSpec& spec);

// What to say of a schedule whose warm-up is longer than the training; nothing of another.
std::optional<std::string> warmup_warning(const ExperimentSpec& spec, const training::Length& length);

}  // namespace optdnn::experiment
