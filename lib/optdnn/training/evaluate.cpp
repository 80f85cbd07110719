#include "optdnn/training/evaluate.h"

#include <limits>

#include "optdnn/training/precision.h"
#include "optdnn/training/tally.h"

namespace optdnn::training {

void Evaluation::add_to(metrics::Record& record, std::string_view prefix) const {
  const auto put = [&](std::string_view name, std::optional<double> value) {
    if (value) record.set(std::string(prefix) + "/" + std::string(name), *value);
  };
  put("loss", loss);
  put("error_pct", error_pct);
  put("margin", margin);
  put("normalized_margin", normalized_margin);
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

Margins margins_of(const Forward& outputs_of, const torch::Tensor& inputs, const torch::Tensor& targets) {
  const torch::AutoGradMode with_grad(true);
  const torch::Tensor x = inputs.detach().clone().requires_grad_();
  const torch::Tensor outputs = outputs_of(x);
  const torch::Tensor right = targets.unsqueeze(-1);
  const torch::Tensor others = outputs.scatter(-1, right, -std::numeric_limits<double>::infinity());
  const torch::Tensor margin = outputs.gather(-1, right).squeeze(-1) - others.amax(-1);
  const torch::Tensor gradient = torch::autograd::grad({margin.sum()}, {x}).front();
  const torch::Tensor slope = gradient.flatten(targets.dim()).norm(2, -1);
  const torch::Tensor ratio = margin.detach() / slope;
  return {margin.detach(), ratio.masked_fill(ratio.isnan(), std::numeric_limits<double>::infinity())};
}

std::vector<Evaluation> evaluate(torch::nn::AnyModule& network, const data::Loader& loader, const Loss& loss,
                                 Precision precision, const torch::Device& device, const EvaluateSpec& spec,
                                 const world::World& world) {
  const torch::NoGradGuard no_grad;
  const EvaluationMode mode(*network.ptr());
  Tally tally(loss.regression, device, static_cast<int64_t>(loader.options().seeds.size()),
              loader.dataset().preparation().target_deviation);
  auto batches = loader.epoch(0);
  while (const auto batch = batches.next()) {
    const torch::Tensor inputs = prepared(batch->inputs, device, precision);
    const torch::Tensor targets = prepared(batch->targets, device, precision);
    const Autocast autocast(precision, device);
    const bool images = inputs.dim() == 4;
    const auto outputs_of = [&](const torch::Tensor& x) {
      const torch::Tensor outputs = network.forward<torch::Tensor>(x);
      return spec.flip_average && images ? (outputs + network.forward<torch::Tensor>(x.flip(3))) / 2 : outputs;
    };
    const torch::Tensor outputs = outputs_of(inputs);
    tally.add(outputs, targets, loss.mean(outputs, targets));
    if (!loss.regression && spec.margins.value_or(!images)) tally.add_margins(margins_of(outputs_of, inputs, targets));
  }
  return tally.of_all(world).read();
}

}  // namespace optdnn::training
