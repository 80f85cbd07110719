// What the YAML key `loss` holds; the formulas are in loss.h.
#pragma once

#include <string_view>
#include <variant>

#include "optdnn/config/fields.h"

namespace optdnn::training {

struct CrossEntropyLoss {
  static constexpr std::string_view kName = "cross_entropy";
  static constexpr std::string_view kHelp = "for classes";
  double label_smoothing = 0.0;
  template <class Fields>
  void fields(Fields& f) {
    f("label_smoothing", label_smoothing, config::at_least(0) & config::less_than(1),
      "share of the target that is spread over all classes; train/loss holds it, test/loss does not");
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

}  // namespace optdnn::training
