// How many points a task has: per iteration, per epoch, in the test set. The one place that refuses impossible sizes.
#pragma once

#include "optdnn/data/specs.h"

namespace optdnn::data {

struct TaskSize {
  bool fresh = true;
  int64_t batch = 0;  // points per iteration
  int64_t train = 0;  // points per epoch
  int64_t valid = 0;  // points in the validation set
  int64_t test = 0;
};

// Errors: ConfigError, saying which key to change.
TaskSize task_size(const NestedRingsSpec& spec);
TaskSize task_size(const ParitySpec& spec);
TaskSize task_size(const TelgarskySpec& spec);
TaskSize task_size(const Regression2018Spec& spec);

}  // namespace optdnn::data
