#include "optdnn/metrics/mean_record.h"

namespace optdnn::metrics {

Record mean_record(const std::vector<Record>& records) {
  if (records.size() == 1) return records.front();
  double seconds = 0;
  for (const Record& record : records) seconds += record.seconds();
  Record mean(records.front().iteration(), records.front().epoch(), seconds / static_cast<double>(records.size()));
  for (const auto& [name, value] : records.front().entries()) {
    if (mean.find(name) || !std::holds_alternative<double>(value)) continue;
    double sum = 0;
    int count = 0;
    for (const Record& record : records) {
      if (const auto number = record.number(name)) sum += *number, ++count;
    }
    mean.set(name, sum / count);
  }
  return mean;
}

}  // namespace optdnn::metrics
