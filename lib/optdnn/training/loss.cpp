#include "optdnn/training/loss.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::training {

namespace {

using torch::Tensor;

// 16-bit outputs are reduced in 32 bits.
Tensor widened(const Tensor& outputs) {
  return outputs.scalar_type() == torch::kFloat64 ? outputs : outputs.to(torch::kFloat32);
}
// Class numbers stay; everything else takes the type of the outputs.
Tensor matched(const Tensor& targets, const Tensor& outputs) {
  return targets.is_floating_point() ? targets.to(outputs.scalar_type()) : targets;
}

Loss made(const CrossEntropyLoss& loss) {
  return {false, [smoothing = loss.label_smoothing](const Tensor& outputs, const Tensor& targets, auto reduction) {
            // Runs' samples lie innermost (modules::affine), where the operators want the classes second.
            const auto classes_second = [](const Tensor& x) { return x.dim() == 3 ? x.transpose(1, 2) : x; };
            const Tensor logits = classes_second(widened(outputs));
            const Tensor classes = matched(targets, logits);
            return at::cross_entropy_loss(logits, classes.is_floating_point() ? classes_second(classes) : classes, {},
                                          reduction, -100, smoothing);
          }};
}

Loss made(const LogisticLoss&) {
  return {false, [](const Tensor& outputs, const Tensor& targets, auto reduction) {
            const Tensor logits_B2 = widened(outputs);
            const Tensor is_second_B = targets.dim() == outputs.dim() ? targets.select(-1, 1) : targets;
            return torch::binary_cross_entropy_with_logits(logits_B2.select(-1, 1) - logits_B2.select(-1, 0),
                                                           is_second_B.to(logits_B2.scalar_type()), {}, {}, reduction);
          }};
}

Loss made(const MseLoss&) {
  return {true, [](const Tensor& outputs, const Tensor& targets, auto reduction) {
            const Tensor wide_BD = widened(outputs);
            return torch::mse_loss(wide_BD, matched(targets, wide_BD), reduction);
          }};
}

}  // namespace

Tensor Loss::mean(const Tensor& outputs, const Tensor& targets) const {
  if (outputs.dim() == 2) return reduced(outputs, targets, at::Reduction::Mean);
  return reduced(outputs, targets, at::Reduction::None).flatten(1).mean(1);
}

LossSpec default_loss(const data::DataShape& shape) {
  if (shape.regression) return MseLoss{};
  return CrossEntropyLoss{};
}

void check_loss(const LossSpec& loss, const data::DataShape& shape) {
  const bool is_mse = std::holds_alternative<MseLoss>(loss);
  const auto name = std::visit([](const auto& l) { return std::string(l.kName); }, loss);
  if (is_mse != shape.regression) {
    throw base::ConfigError(base::concat("the loss '", name, "' does not fit a data set of ",
                                         shape.regression ? "a regression" : "classes"),
                            shape.regression ? "use mse" : "use cross_entropy, or logistic for two classes");
  }
  if (std::holds_alternative<LogisticLoss>(loss) && shape.outputs != 2) {
    throw base::ConfigError(base::concat("the loss 'logistic' is for two classes, the data set has ", shape.outputs),
                            "use cross_entropy");
  }
}

LossSpec plain_loss(LossSpec loss) {
  if (auto* cross_entropy = std::get_if<CrossEntropyLoss>(&loss)) cross_entropy->label_smoothing = 0;
  return loss;
}

Loss make_loss(const LossSpec& loss) {
  return std::visit([](const auto& l) { return made(l); }, loss);
}

}  // namespace optdnn::training
