// What training minimises, as a mean over the samples of a batch.
//   cross_entropy  -sum_k q_k log softmax(outputs)_k,  q = (1 - s) target + s / K
//   logistic       log(1 + exp(-y f)),  y = +-1,  f = outputs_1 - outputs_0, or the only output
//   mse            mean of (outputs - targets)^2 over samples and dimensions
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string_view>
#include <variant>

#include "optdnn/config/fields.h"
#include "optdnn/data/dataset.h"

namespace optdnn::training {

struct CrossEntropyLoss {
  static constexpr std::string_view kName = "cross_entropy";
  static constexpr std::string_view kHelp = "for classes";
  double label_smoothing = 0.0;
  template <class Fields>
  void fields(Fields& f) {
    f("label_smoothing", label_smoothing, config::at_least(0) & config::less_than(1),
      "share of the target that is spread over all classes");
  }
};

struct LogisticLoss {
  static constexpr std::string_view kName = "logistic";
  static constexpr std::string_view kHelp = "for two classes";
  template <class Fields>
  void fields(Fields&) {}
};

struct MseLoss {
  static constexpr std::string_view kName = "mse";
  static constexpr std::string_view kHelp = "mean squared error, for regression";
  template <class Fields>
  void fields(Fields&) {}
};

using LossSpec = std::variant<CrossEntropyLoss, LogisticLoss, MseLoss>;

// cross_entropy for classes, mse for regression.
LossSpec default_loss(const data::DataShape& shape);

// Errors: ConfigError if the loss does not fit the data (mse on classes, logistic on three classes).
void check_loss(const LossSpec& loss, const data::DataShape& shape);

struct Loss {
  bool regression = false;
  // Shapes: outputs_BK, targets as in data::Batch -> a scalar in float32 (float64 for float64 outputs).
  std::function<torch::Tensor(const torch::Tensor& outputs, const torch::Tensor& targets)> mean;
};
Loss make_loss(const LossSpec& loss);

}  // namespace optdnn::training
