#include "optdnn/data/telgarsky.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

double composed_tent_map(double x, int64_t k) {
  for (int64_t i = 0; i < k; ++i) x = x <= 0.5 ? 2.0 * x : 2.0 * (1.0 - x);
  return x;
}

TaskSize TelgarskySpec::size() const {
  int64_t most = 0;  // four grid points for each of the 2^k pieces
  while (most < 28 && (int64_t{4} << (most + 1)) <= test_points) ++most;
  if (k > most) {
    throw base::ConfigError(
        base::concat("telgarsky: k = ", k, " makes 2^", k, " linear pieces, and a test grid of ",
                     base::with_thousands(test_points), " points has four for each only up to k = ", most),
        "lower k or raise test_points");
  }
  return task_size(*this, kName, points, batch_size, test_points, 1);
}

std::unique_ptr<DataSet> TelgarskySpec::make(const Place&) const { return std::make_unique<Telgarsky>(*this); }

Telgarsky::Telgarsky(const TelgarskySpec& spec) : VectorTask(spec.kName, 1, 1, true, spec.size()), k_(spec.k) {}

void Telgarsky::draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
                     std::span<float> target) const {
  const double x =
      split == Split::test ? (static_cast<double>(i) + 0.5) / static_cast<double>(size(Split::test)) : random.uniform();
  input[0] = static_cast<float>(x);
  target[0] = static_cast<float>(composed_tent_map(input[0], k_));
}

}  // namespace optdnn::data
