#include "optdnn/data/parity.h"

namespace optdnn::data {

Parity::Parity(const ParitySpec& spec)
    : VectorTask(spec.kName, spec.d, 2, false, task_size(spec)),
      d_(spec.d),
      relevant_(spec.relevant.value_or(spec.d)),
      all_vertices_(!spec.points),
      test_holds_all_(all_vertices_ && spec.test_points >> spec.d > 0),
      jitter_(spec.jitter) {}

void Parity::draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
                  std::span<float> target) const {
  const bool numbered = split == Split::test ? test_holds_all_ : all_vertices_;
  bool product_positive = true;
  for (int64_t b = 0; b < d_; ++b) {
    const bool positive = numbered ? (i >> b) & 1 : random.coin();
    if (b < relevant_) product_positive ^= !positive;
    input[b] = positive ? 1.0f : -1.0f;
  }
  if (jitter_ > 0.0) {
    for (float& coordinate : input) coordinate += static_cast<float>(jitter_ * random.normal());
  }
  target[0] = product_positive ? 1.0f : 0.0f;
}

}  // namespace optdnn::data
