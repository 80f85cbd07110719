// Stops a training whose loss is no longer finite, before its weights are touched. On the CPU that is known at once. On
// a GPU nobody waits: a flag on the device makes every later update a skipped one, and is read at log points.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <string_view>

#include "optdnn/training/duration.h"

namespace optdnn::training {

class DivergenceGuard {
 public:
  // `deferred`: the way of the GPU. Batches are counted from the beginning of training, `accumulate` to an iteration.
  DivergenceGuard(bool deferred, const torch::Device& device, const Length& length, int64_t accumulate);

  // Looks at a scalar that belongs to batch `batch`. Errors: DivergedError, unless deferred.
  void watch(const torch::Tensor& value, std::string_view what, int64_t batch);
  // Errors: DivergedError if any value watched so far was not finite.
  void check() const;
  // 1 on the device once a value was not finite; nothing unless deferred.
  std::optional<torch::Tensor> skip() const;

 private:
  [[noreturn]] void fail(std::string_view what, int64_t batch) const;

  Length length_;
  int64_t accumulate_;
  torch::Tensor first_;  // the first batch with such a value, or -1
};

}  // namespace optdnn::training
