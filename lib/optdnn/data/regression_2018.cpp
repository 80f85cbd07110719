#include "optdnn/data/regression_2018.h"

namespace optdnn::data {

TaskSize Regression2018Spec::size() const { return task_size(*this, kName, points, batch_size, test_points, 2 * d); }

std::unique_ptr<DataSet> Regression2018Spec::make(const Place&) const {
  return std::make_unique<Regression2018>(*this);
}

Regression2018::Regression2018(const Regression2018Spec& spec)
    : VectorTask(spec.kName, spec.d, spec.d, true, spec.size()) {}

void Regression2018::draw(Split, int64_t, base::RandomStream& random, std::span<float> input,
                          std::span<float> target) const {
  random.fill_normal(input);
  random.fill_normal(target);
}

}  // namespace optdnn::data
