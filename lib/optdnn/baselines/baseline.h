// What every baseline's spec has: a name, a line of help and keys, as a module's (modules/catalogue.h), and
//   check(shape)   Errors: ConfigError if it does not suit inputs and outputs of that shape
//   count(shape)   what it costs, worked out from its sizes; requires a shape that suits
//   make(shape)    the network; Errors: those of check
#pragma once

#include "optdnn/config/fields.h"
#include "optdnn/models/count.h"
#include "optdnn/models/network.h"

namespace optdnn::baselines {

using models::NetworkShape;
using modules::Count;

// Errors: ConfigError naming the model.
void require_images(std::string_view model, const NetworkShape& shape);
void require_vectors(std::string_view model, const NetworkShape& shape);

}  // namespace optdnn::baselines
