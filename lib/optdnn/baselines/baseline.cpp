#include "optdnn/baselines/baseline.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::baselines {

using base::concat;

void require_images(std::string_view model, const NetworkShape& shape) {
  if (!shape.is_image())
    throw base::ConfigError(concat("model '", model, "' wants images, the data set has vectors"), "model: mlp");
}

void require_vectors(std::string_view model, const NetworkShape& shape) {
  if (shape.is_image())
    throw base::ConfigError(concat("model '", model, "' wants vectors, the data set has images"), "model: resnet");
}

}  // namespace optdnn::baselines
