#include "optdnn/data/parity.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

constexpr int64_t kMaxAllVertices = 20;  // exponent

TaskSize ParitySpec::size() const {
  if (relevant.value_or(d) > d) {
    throw base::ConfigError(
        base::concat("parity: relevant is ", *relevant, ", but a point has d = ", d, " coordinates"));
  }
  if (!points && d > kMaxAllVertices) {
    const std::string count = d < 63 ? base::concat(" = ", base::with_thousands(int64_t{1} << d)) : "";
    throw base::ConfigError(base::concat("parity: a cube of dimension d = ", d, " has 2^", d, count,
                                         " vertices; all of them can be used up to d = ", kMaxAllVertices),
                            "set points to draw that many of them at random");
  }
  const int64_t all = points ? *points : int64_t{1} << d;
  return task_size(*this, kName, all, batch_size, test_points, d);
}

std::unique_ptr<DataSet> ParitySpec::make(const Place&) const { return std::make_unique<Parity>(*this); }

Parity::Parity(const ParitySpec& spec)
    : VectorTask(spec.kName, spec.d, 2, false, spec.size()),
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
