// The baselines, which are no rule, by name: one header and one alternative of the variant each (baseline.h). A spec is
// what the YAML key `model` holds.
#pragma once

#include <variant>

#include "optdnn/baselines/dense_mlp.h"
#include "optdnn/baselines/densenet.h"
#include "optdnn/baselines/deq.h"
#include "optdnn/baselines/mdeq.h"
#include "optdnn/baselines/mlp.h"
#include "optdnn/baselines/mondeq.h"
#include "optdnn/baselines/resnet.h"

namespace optdnn::baselines {

using ModelSpec = std::variant<ResNetSpec, WrnSpec, DenseNetSpec, MlpSpec, DenseMlpSpec, DeqSpec, MdeqSpec, MonDeqSpec>;

// Errors: ConfigError if the model does not suit the shape.
void check_baseline(const ModelSpec& spec, const NetworkShape& shape);
models::Network make_baseline(const ModelSpec& spec, const NetworkShape& shape);
// Requires a model that suits the shape.
Count count_baseline(const ModelSpec& spec, const NetworkShape& shape);

}  // namespace optdnn::baselines
