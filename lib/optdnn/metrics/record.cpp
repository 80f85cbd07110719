#include "optdnn/metrics/record.h"

#include <cmath>

#include "optdnn/base/text.h"

namespace optdnn::metrics {

Record::Record(int64_t iteration, double epoch, double seconds)
    : iteration_(iteration), epoch_(epoch), seconds_(seconds) {
  entries_ = {{"iteration", static_cast<double>(iteration)}, {"epoch", epoch}, {"seconds", seconds}};
}

const Value* Record::find(std::string_view name) const {
  for (const auto& entry : entries_) {
    if (entry.first == name) return &entry.second;
  }
  return nullptr;
}

std::optional<double> Record::number(std::string_view name) const {
  const Value* value = find(name);
  const double* number = value ? std::get_if<double>(value) : nullptr;
  return number ? std::optional(*number) : std::nullopt;
}

void Record::set_value(std::string_view name, Value value) {
  for (auto& entry : entries_) {
    if (entry.first == name) {
      entry.second = std::move(value);
      return;
    }
  }
  entries_.emplace_back(name, std::move(value));
}

std::string json_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value == std::trunc(value) && std::abs(value) < 1e15) return std::to_string(static_cast<int64_t>(value));
  return base::number_text(value);
}

}  // namespace optdnn::metrics
