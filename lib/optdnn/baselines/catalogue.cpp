#include "optdnn/baselines/catalogue.h"

namespace optdnn::baselines {

void check_baseline(const ModelSpec& spec, const NetworkShape& shape) {
  std::visit([&](const auto& chosen) { chosen.check(shape); }, spec);
}

models::Network make_baseline(const ModelSpec& spec, const NetworkShape& shape) {
  return std::visit([&](const auto& chosen) { return chosen.make(shape); }, spec);
}

Count count_baseline(const ModelSpec& spec, const NetworkShape& shape) {
  return std::visit([&](const auto& chosen) { return chosen.count(shape); }, spec);
}

}  // namespace optdnn::baselines
