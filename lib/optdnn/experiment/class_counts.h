// What a classifier does, class by class and by how sure it says it is.
//   confusion    row: the class a sample has, column: the one it is given
//   precision    share of those given a class that have it; recall: share of those that have it that are given it;
//                f1: 2 precision recall / (precision + recall)
//   top n        a sample counts as right if fewer than n outputs are larger than that of its class
//   calibration  15 bins of equal width of the largest probability p; ece: the mean over samples of
//                |accuracy - mean p| of their bin (Guo et al. 2017); brier: mean of sum_k (p_k - [k is right])^2
#pragma once

#include <torch/torch.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace optdnn::experiment {

class ClassCounts {
 public:
  // `top`: 0 or the n of top n. Requires at least two classes.
  ClassCounts(std::vector<std::string> classes, int64_t top);

  // Shapes: outputs_NK before softmax, targets_N.
  void add(const torch::Tensor& outputs, const torch::Tensor& targets);
  void add(const ClassCounts& other);

  const std::vector<std::string>& classes() const { return classes_; }
  nlohmann::ordered_json confusion_json() const;
  nlohmann::ordered_json per_class_json() const;  // what is not defined (no such sample) is null
  nlohmann::ordered_json calibration_json() const;
  std::optional<double> top_error_pct() const;

 private:
  static constexpr int64_t kBins = 15;
  struct Bin {
    int64_t samples = 0, right = 0;
    double confidence = 0;  // sum
  };
  std::vector<std::string> classes_;
  int64_t top_;
  torch::Tensor confusion_KK_;
  std::array<Bin, kBins> bins_{};
  int64_t samples_ = 0, top_right_ = 0;
  double brier_ = 0, likelihood_ = 0;  // sums; minus the logarithm of the right class's probability
};

}  // namespace optdnn::experiment
