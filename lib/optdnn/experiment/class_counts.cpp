#include "optdnn/experiment/class_counts.h"

#include <algorithm>

namespace optdnn::experiment {

using nlohmann::ordered_json;
using torch::Tensor;

namespace {

ordered_json share_pct(int64_t part, int64_t whole) {
  if (whole == 0) return nullptr;
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

ClassCounts::ClassCounts(std::vector<std::string> classes, int64_t top)
    : classes_(std::move(classes)),
      top_(top),
      confusion_KK_(torch::zeros({std::ssize(classes_), std::ssize(classes_)}, torch::kInt64)) {}

void ClassCounts::add(const Tensor& outputs, const Tensor& targets) {
  const int64_t samples = targets.size(0), classes = std::ssize(classes_);
  const Tensor logs = outputs.to(torch::kFloat64).log_softmax(1), probabilities = logs.exp();
  const auto [largest, answers] = probabilities.max(1);
  confusion_KK_ += torch::bincount(targets * classes + answers, {}, classes * classes).view({classes, classes});
  const Tensor right = answers.eq(targets);
  const Tensor bin_N = (largest * kBins).to(torch::kInt64).clamp(0, kBins - 1);
  const Tensor counts = torch::bincount(bin_N, {}, kBins), rights = torch::bincount(bin_N, right, kBins),
               confidences = torch::bincount(bin_N, largest, kBins);
  for (int64_t i = 0; i < kBins; ++i) {
    bins_[i].samples += counts[i].item<int64_t>();
    bins_[i].right += static_cast<int64_t>(rights[i].item<double>());
    bins_[i].confidence += confidences[i].item<double>();
  }
  brier_ += (probabilities - torch::one_hot(targets, classes)).square().sum().item<double>();
  const Tensor of_target = targets.unsqueeze(1);
  likelihood_ -= logs.gather(1, of_target).sum().item<double>();
  if (top_ > 0) {
    top_right_ += outputs.gt(outputs.gather(1, of_target)).sum(1).lt(top_).sum().item<int64_t>();
  }
  samples_ += samples;
}

void ClassCounts::add(const ClassCounts& other) {
  confusion_KK_ += other.confusion_KK_;
  for (size_t i = 0; i < bins_.size(); ++i) {
    bins_[i].samples += other.bins_[i].samples;
    bins_[i].right += other.bins_[i].right;
    bins_[i].confidence += other.bins_[i].confidence;
  }
  samples_ += other.samples_;
  top_right_ += other.top_right_;
  brier_ += other.brier_;
  likelihood_ += other.likelihood_;
}

ordered_json ClassCounts::confusion_json() const {
  ordered_json rows = ordered_json::array();
  for (int64_t row = 0; row < std::ssize(classes_); ++row) {
    const int64_t* counts = confusion_KK_.const_data_ptr<int64_t>() + row * std::ssize(classes_);
    rows.push_back(std::vector<int64_t>(counts, counts + classes_.size()));
  }
  return rows;
}

ordered_json ClassCounts::per_class_json() const {
  ordered_json rows = ordered_json::array();
  const Tensor have = confusion_KK_.sum(1), given = confusion_KK_.sum(0);
  for (int64_t c = 0; c < std::ssize(classes_); ++c) {
    const auto both = confusion_KK_[c][c].item<int64_t>();
    const auto of_class = have[c].item<int64_t>(), as_class = given[c].item<int64_t>();
    rows.push_back({{"class", classes_[c]},
                    {"samples", of_class},
                    {"recall_pct", share_pct(both, of_class)},
                    {"precision_pct", share_pct(both, as_class)},
                    {"f1_pct", share_pct(2 * both, of_class + as_class)}});
  }
  return rows;
}

ordered_json ClassCounts::calibration_json() const {
  ordered_json bins = ordered_json::array();
  double ece = 0;
  const auto all = static_cast<double>(std::max<int64_t>(samples_, 1));
  for (int64_t i = 0; i < kBins; ++i) {
    const Bin& bin = bins_[i];
    const auto count = static_cast<double>(bin.samples);
    ordered_json entry = {{"from", static_cast<double>(i) / kBins},
                          {"to", static_cast<double>(i + 1) / kBins},
                          {"samples", bin.samples},
                          {"confidence_pct", nullptr},
                          {"accuracy_pct", share_pct(bin.right, bin.samples)}};
    if (bin.samples > 0) {
      entry["confidence_pct"] = 100 * bin.confidence / count;
      ece += std::abs(static_cast<double>(bin.right) - bin.confidence) / all;
    }
    bins.push_back(std::move(entry));
  }
  return {{"ece_pct", 100 * ece}, {"brier", brier_ / all}, {"log_loss", likelihood_ / all}, {"bins", bins}};
}

std::optional<double> ClassCounts::top_error_pct() const {
  if (top_ == 0 || samples_ == 0) return std::nullopt;
  return 100.0 * static_cast<double>(samples_ - top_right_) / static_cast<double>(samples_);
}

}  // namespace optdnn::experiment
