#include "optdnn/data/regression_2018.h"

namespace optdnn::data {

Regression2018::Regression2018(const Regression2018Spec& spec)
    : VectorTask(spec.kName, spec.d, spec.d, true, task_size(spec)) {}

void Regression2018::draw(Split, int64_t, base::RandomStream& random, std::span<float> input,
                          std::span<float> target) const {
  random.fill_normal(input);
  random.fill_normal(target);
}

}  // namespace optdnn::data
