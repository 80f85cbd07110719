// What a network achieves on a data set.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <string_view>

#include "optdnn/data/loader.h"
#include "optdnn/metrics/record.h"
#include "optdnn/training/loss.h"
#include "optdnn/training/train_spec.h"

namespace optdnn::training {

struct Evaluation {
  double loss = 0;
  int64_t samples = 0;
  std::optional<double> error_pct;           // of classes
  std::optional<double> mse, l1, sup_error;  // of a regression: means over samples and dimensions, and the maximum

  // What smaller is better: error_pct, or mse.
  double headline() const { return error_pct ? *error_pct : mse.value_or(loss); }
  // As <prefix>/loss, <prefix>/error_pct, ...
  void add_to(metrics::Record& record, std::string_view prefix) const;
};

// In evaluation mode and without gradients; the network's mode is put back. Nothing is read back from a GPU before the
// end.
Evaluation evaluate(torch::nn::AnyModule& network, const data::Loader& loader, const Loss& loss, Precision precision,
                    const torch::Device& device, bool flip_average = false);

}  // namespace optdnn::training
