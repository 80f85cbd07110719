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
constexpr int64_t kMaxAllVertices = 20;   // exponent

// `points` of a batch or of a fixed set. `numbers` is what one point takes.
int64_t checked(std::string_view task, int64_t points, int64_t numbers) {
  if (points > kMaxNumbers / numbers) {
    throw ConfigError(concat(task, ": ", with_thousands(points), " points of ", with_thousands(numbers),
                             " numbers at once are too many; at most ", with_thousands(kMaxNumbers / numbers),
                             " points"));
  }
  return points;
}

TaskSize sized(const TaskSpec& spec, std::string_view task, int64_t all, int64_t batch, int64_t test, int64_t numbers) {
  checked(task, all, numbers);
  checked(task, test, numbers);
  const bool fresh = spec.samples == Samples::fresh;
  const int64_t train = fresh ? batch * spec.iterations_per_epoch : all;
  const int64_t valid = spec.validation ? checked(task, spec.validation->size(train), numbers) : 0;
  if (fresh) return {true, checked(task, batch, numbers), train, valid, test};
  return {false, std::min(batch, all), train, valid, test};
}

// `all`: the points that belong together, one iteration when fresh.
TaskSize sized(const TaskSpec& spec, std::string_view task, int64_t all, std::optional<int64_t> batch, int64_t test,
               int64_t numbers) {
  if (spec.samples == Samples::fresh && batch) {
    throw ConfigError(concat(task, ": batch_size is for samples: fixed; an iteration of fresh samples has ",
                             with_thousands(all), " points"),
                      "leave batch_size out, or set samples: fixed");
  }
  return sized(spec, task, all, batch.value_or(all), test, numbers);
}

}  // namespace

TaskSize task_size(const NestedRingsSpec& spec) {
  const int64_t all = spec.rings * spec.points_per_ring;
  return sized(spec, spec.kName, all, spec.batch_size, spec.rings * spec.test_points_per_ring, 2);
}

TaskSize task_size(const ParitySpec& spec) {
  if (spec.relevant.value_or(spec.d) > spec.d) {
    throw ConfigError(concat("parity: relevant is ", *spec.relevant, ", but a point has d = ", spec.d, " coordinates"));
  }
  if (!spec.points && spec.d > kMaxAllVertices) {
    const std::string count = spec.d < 63 ? concat(" = ", with_thousands(int64_t{1} << spec.d)) : "";
    throw ConfigError(concat("parity: a cube of dimension d = ", spec.d, " has 2^", spec.d, count,
                             " vertices; all of them can be used up to d = ", kMaxAllVertices),
                      "set points to draw that many of them at random");
  }
  const int64_t all = spec.points ? *spec.points : int64_t{1} << spec.d;
  return sized(spec, spec.kName, all, spec.batch_size, spec.test_points, spec.d);
}

TaskSize task_size(const TelgarskySpec& spec) {
  int64_t most = 0;  // four grid points for each of the 2^k pieces
  while (most < 28 && (int64_t{4} << (most + 1)) <= spec.test_points) ++most;
  if (spec.k > most) {
    throw ConfigError(concat("telgarsky: k = ", spec.k, " makes 2^", spec.k, " linear pieces, and a test grid of ",
                             with_thousands(spec.test_points), " points has four for each only up to k = ", most),
                      "lower k or raise test_points");
  }
  return sized(spec, spec.kName, spec.points, spec.batch_size, spec.test_points, 1);
}

TaskSize task_size(const Regression2018Spec& spec) {
  return sized(spec, spec.kName, spec.points, spec.batch_size, spec.test_points, 2 * spec.d);
}

}  // namespace optdnn::data
