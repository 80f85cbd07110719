#include "optdnn/data/nested_rings.h"

#include <cmath>
#include <numbers>

namespace optdnn::data {

TaskSize NestedRingsSpec::size() const {
  const int64_t all = rings * points_per_ring;
  return task_size(*this, kName, all, batch_size, rings * test_points_per_ring, 2);
}

std::unique_ptr<DataSet> NestedRingsSpec::make(const Place&) const { return std::make_unique<NestedRings>(*this); }

NestedRings::NestedRings(const NestedRingsSpec& spec)
    : VectorTask(spec.kName, 2, 2, false, spec.size()), rings_(spec.rings), noise_(spec.noise) {}

void NestedRings::draw(Split, int64_t i, base::RandomStream& random, std::span<float> input,
                       std::span<float> target) const {
  const int64_t ring = i % rings_ + 1;
  const double angle = random.uniform(0.0, 2.0 * std::numbers::pi);
  const double radius = 3.0 * (0.5 * static_cast<double>(ring) + 0.2 * random.uniform());
  double x = radius * std::cos(angle), y = radius * std::sin(angle);
  if (noise_ > 0.0) {
    x += noise_ * random.normal();
    y += noise_ * random.normal();
  }
  input[0] = static_cast<float>(x);
  input[1] = static_cast<float>(y);
  target[0] = static_cast<float>((ring + 1) % 2);
}

}  // namespace optdnn::data
