// Notices a training whose loss is no longer finite, before its weights are touched. On the CPU that is known at once.
// On a GPU nobody waits: the first bad batch is kept on the device, makes every later update a skipped one, and is read
// at log points. Of several runs at once each is watched for itself.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <string_view>
#include <vector>

#include "optdnn/base/errors.h"
#include "optdnn/training/duration.h"

namespace optdnn::training {

class DivergenceGuard {
 public:
  // `deferred`: the way of the GPU. Batches are counted from the beginning of training, `accumulate` to an iteration.
  DivergenceGuard(bool deferred, const torch::Device& device, const Length& length, int64_t accumulate,
                  int64_t runs = 1);

  // What is watched from now on belongs to this batch, or to the next one. next_batch() is the device's work alone.
  void begin(int64_t batch);
  void next_batch();
  // Looks at one number per run, a scalar for one run.
  void watch(const torch::Tensor& values, std::string_view what);
  // Reads what the device knows; nothing unless deferred.
  void sync();
  // Adds what was noticed elsewhere after an iteration: "test loss".
  void give_up(int64_t run, std::string_view what, int64_t iteration);

  // The policy has mended what was found; watching goes on.
  void forgive(int64_t run) { errors_[run].reset(); }

  // What is known of a run: the message, or nothing while all its numbers were finite.
  const std::optional<base::DivergedError>& error(int64_t run) const { return errors_[run]; }
  bool all_diverged() const;

  // 1 once a value was not finite, for the kernels of a single run's optimizer; nothing unless deferred.
  std::optional<torch::Tensor> skip() const;
  // The batch that is watched, and the first bad one of each run or -1, where the device keeps them; not defined unless
  // deferred.
  const torch::Tensor& now() const { return now_; }
  const torch::Tensor& first_bad() const { return first_; }
  // Which runs must keep their weights (R, bool); nothing while none has to, as far as that is known without waiting.
  std::optional<torch::Tensor> frozen() const;

 private:
  void found(int64_t run, std::string_view what, int64_t batch);

  Length length_;
  int64_t accumulate_;
  std::vector<std::optional<base::DivergedError>> errors_;  // by run
  int64_t batch_ = 0;
  torch::Tensor now_;    // deferred: the batch, on the device
  torch::Tensor first_;  // deferred: the first bad batch of each run, or -1
};

}  // namespace optdnn::training
