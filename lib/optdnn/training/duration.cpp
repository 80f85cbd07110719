#include "optdnn/training/duration.h"

#include <cmath>

#include "optdnn/config/reader.h"

namespace optdnn::training {

void Duration::check(config::Checker& c) const {
  const int given = epochs.has_value() + iterations.has_value() + fraction.has_value();
  if (given == 1) return;
  c.error("", given == 0 ? "a duration without a length" : "a duration with more than one length",
          "give exactly one of epochs, iterations, fraction");
}

int64_t Duration::in(const Length& length) const {
  if (epochs) return std::llround(*epochs * static_cast<double>(length.iterations_per_epoch));
  if (fraction) return std::llround(*fraction * static_cast<double>(length.iterations));
  return iterations.value_or(0);
}

}  // namespace optdnn::training
