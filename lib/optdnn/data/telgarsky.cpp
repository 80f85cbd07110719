#include "optdnn/data/telgarsky.h"

namespace optdnn::data {

double composed_tent_map(double x, int64_t k) {
  for (int64_t i = 0; i < k; ++i) x = x <= 0.5 ? 2.0 * x : 2.0 * (1.0 - x);
  return x;
}

Telgarsky::Telgarsky(const TelgarskySpec& spec) : VectorTask(spec.kName, 1, 1, true, task_size(spec)), k_(spec.k) {}

void Telgarsky::draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
                     std::span<float> target) const {
  const double x =
      split == Split::test ? (static_cast<double>(i) + 0.5) / static_cast<double>(size(Split::test)) : random.uniform();
  input[0] = static_cast<float>(x);
  target[0] = static_cast<float>(composed_tent_map(input[0], k_));
}

}  // namespace optdnn::data
