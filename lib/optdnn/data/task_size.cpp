#include "optdnn/data/task_size.h"

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

using base::concat;
using base::ConfigError;
using base::with_thousands;

const base::NameTable<Samples>& enum_names(Samples) {
  static const base::NameTable<Samples> table("kinds of samples",
                                              {{"fresh", "new points in every iteration", Samples::fresh},
                                               {"fixed", "one set, drawn once from the seed", Samples::fixed}});
  return table;
}

namespace {

constexpr int64_t kMaxNumbers = 1 << 28;  // 1 GiB of float32

// `points` of a batch or of a fixed set. `numbers` is what one point takes.
int64_t checked(std::string_view task, int64_t points, int64_t numbers) {
  if (points > kMaxNumbers / numbers) {
    throw ConfigError(concat(task, ": ", with_thousands(points), " points of ", with_thousands(numbers),
                             " numbers at once are too many; at most ", with_thousands(kMaxNumbers / numbers),
                             " points"));
  }
  return points;
}

}  // namespace

TaskSize task_size(const TaskSpec& spec, std::string_view task, int64_t all, int64_t batch, int64_t test,
                   int64_t numbers) {
  checked(task, all, numbers);
  checked(task, test, numbers);
  const bool fresh = spec.samples == Samples::fresh;
  const int64_t train = fresh ? batch * spec.iterations_per_epoch : all;
  const int64_t valid = spec.validation ? checked(task, spec.validation->size(train), numbers) : 0;
  if (fresh) return {true, checked(task, batch, numbers), train, valid, test};
  return {false, std::min(batch, all), train, valid, test};
}

TaskSize task_size(const TaskSpec& spec, std::string_view task, int64_t all, std::optional<int64_t> batch, int64_t test,
                   int64_t numbers) {
  if (spec.samples == Samples::fresh && batch) {
    throw ConfigError(concat(task, ": batch_size is for samples: fixed; an iteration of fresh samples has ",
                             with_thousands(all), " points"),
                      "leave batch_size out, or set samples: fixed");
  }
  return task_size(spec, task, all, batch.value_or(all), test, numbers);
}

}  // namespace optdnn::data
