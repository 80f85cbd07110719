// The baselines by name: what is trained beside the networks made of rules.
#pragma once

#include "optdnn/baselines/spec.h"
#include "optdnn/models/network.h"

namespace optdnn::baselines {

// Errors: ConfigError if the model does not suit the shape.
void check_baseline(const ModelSpec& spec, const models::NetworkShape& shape);
models::Network make_baseline(const ModelSpec& spec, const models::NetworkShape& shape);

}  // namespace optdnn::baselines
