#include "optdnn/training/tally.h"

#include <cmath>
#include <limits>

namespace optdnn::training {

using torch::Tensor;

Tally::Tally(bool regression, const torch::Device& device, int64_t runs, const std::vector<double>& unit)
    : regression_(regression), runs_(runs) {
  const auto wide = torch::TensorOptions().dtype(torch::kFloat64).device(device);
  if (!unit.empty()) unit_ = torch::tensor(unit, torch::kFloat64).to(device);
  for (Tensor* sum : sums()) *sum = torch::zeros({runs}, wide);
  for (Tensor* least : {&margin_, &normalized_margin_}) {
    *least = torch::full({runs}, std::numeric_limits<double>::infinity(), wide);
  }
}

namespace {
std::optional<double> finite(double value) { return std::isfinite(value) ? std::optional(value) : std::nullopt; }
}  // namespace

// One row of numbers per run.
Tensor Tally::per_run(const Tensor& values) const { return values.reshape({runs_, -1}); }

void Tally::add(const Tensor& outputs, const Tensor& targets, const Tensor& loss) {
  count(targets);
  add_sums(outputs, targets, loss);
}

void Tally::count(const Tensor& targets) {
  samples_ += targets.size(runs_ > 1 ? 1 : 0);
  numbers_ += targets.numel() / runs_;
}

void Tally::add_sums(const Tensor& outputs, const Tensor& targets, const Tensor& loss) {
  const torch::NoGradGuard no_grad;
  loss_.add_(loss.detach(), static_cast<double>(targets.size(runs_ > 1 ? 1 : 0)));
  if (!regression_) {
    const Tensor classes = targets.is_floating_point() ? targets.argmax(-1) : targets;
    // Many times faster than argmax where samples lie innermost.
    const auto [largest, answers] = outputs.max(-1);
    mistakes_.add_(per_run(answers.ne(classes).logical_or_(largest.isnan())).sum(1));  // NaN is no answer
    return;
  }
  const Tensor difference = (outputs.detach().to(torch::kFloat64) - targets).abs();
  const Tensor errors = per_run(unit_.defined() ? difference * unit_ : difference);
  mistakes_.add_(errors.square().sum(1));
  absolute_.add_(errors.sum(1));
  largest_.copy_(torch::maximum(largest_, errors.amax(1)));
}

void Tally::add_margins(const Margins& margins) {
  const auto keep_least = [&](Tensor& least, const Tensor& values) {
    least.copy_(torch::minimum(least, per_run(values).amin(1).to(least.scalar_type())));
  };
  keep_least(margin_, margins.margin);
  keep_least(normalized_margin_, margins.normalized);
}

void Tally::add(const Tally& other) {
  samples_ += other.samples_;
  numbers_ += other.numbers_;
  loss_.add_(other.loss_);
  mistakes_.add_(other.mistakes_);
  absolute_.add_(other.absolute_);
  largest_.copy_(torch::maximum(largest_, other.largest_));
}

void Tally::clear() {
  samples_ = numbers_ = 0;
  for (Tensor* sum : sums()) sum->zero_();
  for (Tensor* least : {&margin_, &normalized_margin_}) least->fill_(std::numeric_limits<double>::infinity());
}

Tally Tally::of_all(const world::World& world) const {
  if (world.is_alone()) return *this;
  const Tensor counts = torch::tensor({double(samples_), double(numbers_)}, loss_.options());
  const Tensor own = torch::cat({counts, loss_, mistakes_, absolute_, largest_, margin_, normalized_margin_});
  const Tensor rows = world.rows(own);
  const Tensor total = rows.narrow(1, 0, 2).sum(0).cpu();
  const auto column = [&](int64_t number) { return rows.narrow(1, 2 + number * runs_, runs_); };
  Tally all = *this;
  all.samples_ = static_cast<int64_t>(total.const_data_ptr<double>()[0]);
  all.numbers_ = static_cast<int64_t>(total.const_data_ptr<double>()[1]);
  all.loss_ = column(0).sum(0);
  all.mistakes_ = column(1).sum(0);
  all.absolute_ = column(2).sum(0);
  all.largest_ = column(3).amax(0);
  all.margin_ = column(4).amin(0);
  all.normalized_margin_ = column(5).amin(0);
  return all;
}

std::vector<Evaluation> Tally::read() const {
  const Tensor all = torch::stack({loss_, mistakes_, absolute_, largest_, margin_, normalized_margin_}, 1).cpu();
  std::vector<Evaluation> evaluations(runs_);
  for (int64_t run = 0; run < runs_; ++run) {
    const double* sum = all.const_data_ptr<double>() + 6 * run;
    Evaluation& means = evaluations[run];
    means.samples = samples_;
    means.loss = sum[0] / static_cast<double>(samples_);
    means.margin = finite(sum[4]), means.normalized_margin = finite(sum[5]);
    if (regression_) {
      means.mse = sum[1] / static_cast<double>(numbers_);
      means.l1 = sum[2] / static_cast<double>(numbers_);
      means.sup_error = sum[3];
    } else {
      means.error_pct = 100 * sum[1] / static_cast<double>(samples_);
    }
  }
  return evaluations;
}

Tensor Tally::packed(int64_t run) const {
  const Tensor counts = torch::tensor({samples_, numbers_}, torch::kInt64).to(torch::kFloat64);
  return torch::cat({counts, torch::stack({loss_, mistakes_, absolute_, largest_}).select(1, run).cpu()});
}

void Tally::unpack(const Tensor& numbers_6, int64_t run) {
  samples_ = numbers_6[0].item<int64_t>();
  numbers_ = numbers_6[1].item<int64_t>();
  int64_t entry = 2;
  for (Tensor* sum : sums()) sum->select(0, run).copy_(numbers_6[entry++]);
}

}  // namespace optdnn::training
