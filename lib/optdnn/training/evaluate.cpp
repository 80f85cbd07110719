#include "optdnn/training/evaluate.h"

#include "optdnn/training/precision.h"
#include "optdnn/training/tally.h"

namespace optdnn::training {

void Evaluation::add_to(metrics::Record& record, std::string_view prefix) const {
  const auto put = [&](std::string_view name, std::optional<double> value) {
    if (value) record.set(std::string(prefix) + "/" + std::string(name), *value);
  };
  put("loss", loss);
  put("error_pct", error_pct);
  put("mse", mse);
  put("l1", l1);
  put("sup_error", sup_error);
}

namespace {

class EvaluationMode {
 public:
  explicit EvaluationMode(torch::nn::Module& module) : module_(module), was_training_(module.is_training()) {
    module.eval();
  }
  ~EvaluationMode() { module_.train(was_training_); }

 private:
  torch::nn::Module& module_;
  bool was_training_;
};

}  // namespace

Evaluation evaluate(torch::nn::AnyModule& network, const data::Loader& loader, const Loss& loss, Precision precision,
                    const torch::Device& device, bool flip_average) {
  const torch::NoGradGuard no_grad;
  const EvaluationMode mode(*network.ptr());
  Tally tally(loss.regression, device);
  auto batches = loader.epoch(0);
  while (const auto batch = batches.next()) {
    const torch::Tensor inputs = prepared(batch->inputs, device, precision);
    const torch::Tensor targets = prepared(batch->targets, device, precision);
    const Autocast autocast(precision, device);
    torch::Tensor outputs = network.forward(inputs);
    if (flip_average && inputs.dim() == 4) outputs = (outputs + network.forward<torch::Tensor>(inputs.flip(3))) / 2;
    tally.add(outputs, targets, loss.mean(outputs, targets));
  }
  return tally.read();
}

}  // namespace optdnn::training
