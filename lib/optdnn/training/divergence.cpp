#include "optdnn/training/divergence.h"

#include <algorithm>
#include <cmath>

#include "optdnn/base/text.h"
#include "optdnn/kernels/gpu/update.h"
#include "optdnn/kernels/launcher.h"

namespace optdnn::training {

namespace {
constexpr const char* kHint = "a smaller learning_rate, a longer warmup or a gradient_clip may help";
}

DivergenceGuard::DivergenceGuard(bool deferred, const torch::Device& device, const Length& length, int64_t accumulate,
                                 int64_t runs)
    : length_(length), accumulate_(accumulate), errors_(runs) {
  if (!deferred) return;
  first_ = torch::full({runs}, -1, torch::TensorOptions().dtype(torch::kInt64).device(device));
  now_ = torch::zeros({}, first_.options());
}

namespace {

// By one kernel, where there is one. Its slow twin is a handful of operators.
bool watched_by_kernel(const torch::Tensor& values, const torch::Tensor& now, const torch::Tensor& first_bad) {
  kernels::Launcher* launcher = kernels::launcher(first_bad.device());
  if (!launcher || values.scalar_type() != torch::kFloat32 || !values.is_contiguous() ||
      values.numel() != first_bad.numel() || !launcher->has("watch_values"))
    return false;
  kernels::gpu::Watched arguments{};
  arguments.values = values.const_data_ptr<float>();
  arguments.now = static_cast<const long long*>(now.const_data_ptr());
  arguments.first_bad = static_cast<long long*>(first_bad.data_ptr());
  arguments.count = static_cast<int>(values.numel());
  launcher->launch("watch_values", {1, 1, launcher->threads()}, arguments);
  return true;
}

}  // namespace

void DivergenceGuard::begin(int64_t batch) {
  batch_ = batch;
  if (now_.defined()) now_.fill_(batch);
}

void DivergenceGuard::next_batch() {
  ++batch_;
  if (now_.defined()) now_.add_(1);
}

void DivergenceGuard::watch(const torch::Tensor& values, std::string_view what) {
  const torch::NoGradGuard no_grad;
  if (first_.defined()) {
    if (watched_by_kernel(values, now_, first_)) return;
    const torch::Tensor bad = first_.lt(0).logical_and(values.isfinite().logical_not());
    first_.copy_(torch::where(bad, now_, first_));  // masked_fill_ would wait for the number
    return;
  }
  const torch::Tensor numbers = values.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  const double* number = numbers.const_data_ptr<double>();
  for (int64_t run = 0; run < numbers.numel(); ++run) {
    if (!std::isfinite(number[run])) found(run, what, batch_);
  }
}

void DivergenceGuard::sync() {
  if (!first_.defined()) return;
  const torch::Tensor batches = first_.cpu();
  for (int64_t run = 0; run < batches.numel(); ++run) {
    const int64_t batch = batches.const_data_ptr<int64_t>()[run];
    if (batch >= 0) found(run, "loss or gradient", batch);
  }
}

void DivergenceGuard::give_up(int64_t run, std::string_view what, int64_t iteration) {
  if (errors_[run]) return;
  const int64_t epoch = (std::max<int64_t>(iteration, 1) - 1) / length_.iterations_per_epoch;
  errors_[run] = base::DivergedError(base::concat("the ", what, " after iteration ", iteration, " (epoch ", epoch + 1,
                                                  ") is not finite; the checkpoint is that of before"),
                                     kHint);
}

bool DivergenceGuard::all_diverged() const {
  return std::all_of(errors_.begin(), errors_.end(), [](const auto& error) { return error.has_value(); });
}

std::optional<torch::Tensor> DivergenceGuard::skip() const {
  if (!first_.defined()) return std::nullopt;
  return first_.amax().ge(0).to(torch::kFloat32);
}

std::optional<torch::Tensor> DivergenceGuard::frozen() const {
  if (first_.defined()) return first_.ge(0);
  const auto diverged = [](const auto& error) { return error.has_value(); };
  if (std::none_of(errors_.begin(), errors_.end(), diverged)) return std::nullopt;
  const torch::Tensor mask = torch::empty({static_cast<int64_t>(errors_.size())}, torch::kBool);
  std::transform(errors_.begin(), errors_.end(), mask.mutable_data_ptr<bool>(), diverged);
  return mask;
}

void DivergenceGuard::found(int64_t run, std::string_view what, int64_t batch) {
  if (errors_[run]) return;
  const int64_t iteration = batch / accumulate_, epoch = iteration / length_.iterations_per_epoch;
  errors_[run] =
      base::DivergedError(base::concat("the ", what, " of iteration ", iteration + 1, " (epoch ", epoch + 1, ", batch ",
                                       batch - epoch * length_.iterations_per_epoch * accumulate_ + 1,
                                       ") is not finite; the weights are those after iteration ", iteration),
                          kHint);
}

}  // namespace optdnn::training
