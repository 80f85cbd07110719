// One line of measurements: an ordered list of names and values that always begins with
//   iteration  weight updates done
//   epoch      passes over the training set done, with a fraction between epoch ends
//   seconds    training time, resumed runs added up; of runs that train as one network, an equal share each
// Names are train/loss, test/error_pct, certificate/spectral_radius, coefficient/<stage>/<name>/<k>.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace optdnn::metrics {

using Value = std::variant<double, std::string>;

class Record {
 public:
  Record(int64_t iteration, double epoch, double seconds);

  int64_t iteration() const { return iteration_; }
  double epoch() const { return epoch_; }
  double seconds() const { return seconds_; }

  // Appends, or replaces the value that `name` had.
  void set(std::string_view name, double value) { set_value(name, value); }
  void set(std::string_view name, std::string value) { set_value(name, std::move(value)); }
  const Value* find(std::string_view name) const;
  std::optional<double> number(std::string_view name) const;

  // All of it, the three common entries first.
  const std::vector<std::pair<std::string, Value>>& entries() const { return entries_; }

 private:
  void set_value(std::string_view name, Value value);

  int64_t iteration_;
  double epoch_, seconds_;
  std::vector<std::pair<std::string, Value>> entries_;
};

// The shortest text that reads back as this number, spelt as Python's json does: 12, 0.1, NaN, -Infinity.
std::string json_number(double value);

}  // namespace optdnn::metrics
