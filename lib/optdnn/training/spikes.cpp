#include "optdnn/training/spikes.h"

#include <algorithm>
#include <cmath>

#include "optdnn/base/log.h"
#include "optdnn/base/text.h"

namespace optdnn::training {

namespace {

constexpr double kWeight = 0.98;
constexpr double kDeviations = 6;
constexpr double kAboveMean = 1.5;
constexpr double kSettled = 50;  // losses before the first spike

}  // namespace

bool Spikes::see(int64_t run, double loss) {
  if (!std::isfinite(loss)) return false;
  Running& running = runs_[run];
  const double bound = std::max(running.mean + kDeviations * std::sqrt(running.variance), kAboveMean * running.mean);
  const bool is_spike = running.seen >= kSettled && loss > bound;
  const double taken = is_spike ? bound : loss;
  const double weight = std::min(kWeight, running.seen / (running.seen + 1));  // the plain mean at first
  const double step = taken - running.mean;
  running.mean += (1 - weight) * step;
  running.variance = weight * (running.variance + (1 - weight) * step * step);
  running.seen += 1;
  if (is_spike) running.count += 1;
  return is_spike;
}

void Spikes::watch(int64_t run, double loss, int64_t iteration) {
  const double mean = runs_[run].mean;
  if (!see(run, loss)) return;
  base::log_info(base::concat("the loss of iteration ", iteration, " is ", base::number_text(loss),
                              ", the mean before it ", base::number_text(mean)));
}

torch::Tensor Spikes::packed(int64_t run) const {
  const Running& running = runs_[run];
  return torch::tensor({running.seen, running.mean, running.variance, running.count}, torch::kFloat64);
}

void Spikes::unpack(const torch::Tensor& numbers_4, int64_t run) {
  const double* number = numbers_4.const_data_ptr<double>();
  runs_[run] = {number[0], number[1], number[2], number[3]};
}

}  // namespace optdnn::training
