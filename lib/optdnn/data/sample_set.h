// Samples of the user's own, held in memory as they lay in their file; batches are standardised as they are made.
#pragma once

#include <optional>

#include "optdnn/data/dataset.h"
#include "optdnn/data/preparation.h"
#include "optdnn/data/validation.h"

namespace optdnn::data {

// Shapes: inputs_N... of any number type; targets_N int64 classes, or float64 targets_NK.
struct SampleTensors {
  torch::Tensor inputs, targets;
  int64_t size() const { return inputs.defined() ? inputs.size(0) : 0; }
  SampleTensors chosen(const std::vector<int64_t>& numbers) const;
};

// By column of vectors, by channel of images; what does not vary has the deviation 1. Of values near the largest number
// it is not finite.
void add_statistics(const torch::Tensor& values, std::vector<double>& mean, std::vector<double>& deviation);

// Shapes: values_B... -> float32, (value - mean) / deviation; empty lists leave the values as they are.
torch::Tensor standardised(const torch::Tensor& values, const std::vector<double>& mean,
                           const std::vector<double>& deviation);

class SampleSet : public DataSet {
 public:
  // Errors: ConfigError if validation would take all of `train`.
  SampleSet(SampleTensors train, SampleTensors test, DataShape shape, Preparation preparation,
            const std::optional<ValidationSpec>& validation);

  DataShape shape() const override { return shape_; }
  int64_t size(Split split) const override { return part(split).size(); }
  std::vector<std::string> class_names() const override { return preparation_.classes; }
  Preparation preparation() const override { return preparation_; }
  Batch batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const override;

 private:
  const SampleTensors& part(Split split) const {
    return split == Split::train ? train_ : split == Split::valid ? valid_ : test_;
  }
  SampleTensors train_, valid_, test_;
  DataShape shape_;
  Preparation preparation_;
};

}  // namespace optdnn::data
