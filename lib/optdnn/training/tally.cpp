#include "optdnn/training/tally.h"

namespace optdnn::training {

using torch::Tensor;

Tally::Tally(bool regression, const torch::Device& device) : regression_(regression) {
  const auto wide = torch::TensorOptions().dtype(torch::kFloat64).device(device);
  for (Tensor* sum : {&loss_, &mistakes_, &absolute_, &largest_}) *sum = torch::zeros({}, wide);
}

void Tally::add(const Tensor& outputs, const Tensor& targets, const Tensor& loss) {
  const torch::NoGradGuard no_grad;
  samples_ += outputs.size(0);
  numbers_ += targets.numel();
  loss_.add_(loss.detach(), static_cast<double>(outputs.size(0)));
  if (!regression_) {
    mistakes_.add_(outputs.argmax(1).ne(targets.dim() == 2 ? targets.argmax(1) : targets).sum());
    return;
  }
  const Tensor errors = (outputs.detach().to(torch::kFloat64) - targets).abs();
  mistakes_.add_(errors.square().sum());
  absolute_.add_(errors.sum());
  largest_.copy_(torch::maximum(largest_, errors.max()));
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
  for (const Tensor* sum : {&loss_, &mistakes_, &absolute_, &largest_}) sum->zero_();
}

Evaluation Tally::read() const {
  const Tensor sums = torch::stack({loss_, mistakes_, absolute_, largest_}).cpu();
  const double* sum = sums.const_data_ptr<double>();
  Evaluation means;
  means.samples = samples_;
  means.loss = sum[0] / static_cast<double>(samples_);
  if (!regression_) {
    means.error_pct = 100 * sum[1] / static_cast<double>(samples_);
    return means;
  }
  means.mse = sum[1] / static_cast<double>(numbers_);
  means.l1 = sum[2] / static_cast<double>(numbers_);
  means.sup_error = sum[3];
  return means;
}

Tensor Tally::packed() const {
  const Tensor counts = torch::tensor({samples_, numbers_}, torch::kInt64).to(torch::kFloat64);
  return torch::cat({counts, torch::stack({loss_, mistakes_, absolute_, largest_}).cpu()});
}

void Tally::unpack(const Tensor& numbers_6) {
  samples_ = numbers_6[0].item<int64_t>();
  numbers_ = numbers_6[1].item<int64_t>();
  loss_.copy_(numbers_6[2]);
  mistakes_.copy_(numbers_6[3]);
  absolute_.copy_(numbers_6[4]);
  largest_.copy_(numbers_6[5]);
}

}  // namespace optdnn::training
