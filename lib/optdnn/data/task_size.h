// How many points a task has: per iteration, per epoch, in the test set; and the keys that all tasks have.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "optdnn/config/fields.h"
#include "optdnn/data/validation.h"

namespace optdnn::data {

// Drawn anew for every epoch, or one set drawn once from the seed.
enum class Samples { fresh, fixed };
const base::NameTable<Samples>& enum_names(Samples);

// An epoch of fresh samples has iterations_per_epoch whole batches.
struct TaskSpec {
  Samples samples = Samples::fresh;
  int64_t iterations_per_epoch = 100;
  std::optional<ValidationSpec> validation;

  template <class Fields>
  void fields(Fields& f) {
    f("samples", samples, "fresh: new points in every iteration; fixed: one set, drawn once from the seed");
    f("iterations_per_epoch", iterations_per_epoch, config::between(1, 1e6),
      "batches that make an epoch of fresh samples");
    f("validation", validation, "more points of the same kind");
  }
};

struct TaskSize {
  bool fresh = true;
  int64_t batch = 0;  // points per iteration
  int64_t train = 0;  // points per epoch
  int64_t valid = 0;  // points in the validation set
  int64_t test = 0;
};

// Of a task with `all` points in a fixed set, `batch` in an iteration and `test` in the test set, each of `numbers`
// numbers. Errors: ConfigError if they are too many.
TaskSize task_size(const TaskSpec& spec, std::string_view task, int64_t all, int64_t batch, int64_t test,
                   int64_t numbers);

// Of a task whose points belong together: an iteration of fresh samples has all of them, and batch_size is for a fixed
// set. Errors: also ConfigError if it is given without one.
TaskSize task_size(const TaskSpec& spec, std::string_view task, int64_t all, std::optional<int64_t> batch, int64_t test,
                   int64_t numbers);

}  // namespace optdnn::data
