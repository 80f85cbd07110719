#include "optdnn/data/sample_set.h"

namespace optdnn::data {

using torch::Tensor;

SampleTensors SampleTensors::chosen(const std::vector<int64_t>& numbers) const {
  const Tensor rows = torch::tensor(numbers, torch::kInt64);
  return {inputs.index_select(0, rows), targets.index_select(0, rows)};
}

namespace {

constexpr int64_t kChunk = 4096;  // samples converted at a time, so that no second set of doubles is made

// The sum of `of(values)` over samples and pixels, by column or channel.
template <class Of>
Tensor column_sums(const Tensor& values, Of of) {
  Tensor sums = torch::zeros({values.size(1)}, torch::kFloat64);
  for (int64_t first = 0; first < values.size(0); first += kChunk) {
    const Tensor chunk = values.narrow(0, first, std::min(kChunk, values.size(0) - first)).to(torch::kFloat64);
    sums += of(chunk.transpose(0, 1).flatten(1).transpose(0, 1)).sum(0);
  }
  return sums;
}

}  // namespace

void add_statistics(const Tensor& values, std::vector<double>& mean, std::vector<double>& deviation) {
  const double count = static_cast<double>(values.numel() / values.size(1));
  const Tensor means = column_sums(values, [](const Tensor& x) { return x; }) / count;
  const Tensor squares = column_sums(values, [&](const Tensor& x) { return (x - means).square(); }) / count;
  Tensor deviations = squares.sqrt();
  deviations = deviations.masked_fill(deviations <= 1e-12 * means.abs().clamp_min(1e-300), 1.0);
  for (int64_t c = 0; c < values.size(1); ++c) {
    mean.push_back(means[c].item<double>());
    deviation.push_back(deviations[c].item<double>());
  }
}

Tensor standardised(const Tensor& values, const std::vector<double>& mean, const std::vector<double>& deviation) {
  if (mean.empty()) return values.to(torch::kFloat32);
  // In double: a column may be far from zero and vary little.
  const Tensor wide = values.to(torch::kFloat64);
  const auto along = [&](const std::vector<double>& list) {
    std::vector<int64_t> shape(values.dim(), 1);
    shape[1] = static_cast<int64_t>(list.size());
    return torch::tensor(list, torch::kFloat64).view(shape);
  };
  return ((wide - along(mean)) / along(deviation)).to(torch::kFloat32);
}

SampleSet::SampleSet(SampleTensors train, SampleTensors test, DataShape shape, Preparation preparation,
                     const std::optional<ValidationSpec>& validation)
    : train_(std::move(train)), test_(std::move(test)), shape_(std::move(shape)), preparation_(std::move(preparation)) {
  if (!validation) return;
  const Tensor labels = shape_.regression ? torch::zeros({train_.size()}, torch::kInt64) : train_.targets.contiguous();
  const std::span<const int64_t> all(labels.const_data_ptr<int64_t>(), labels.numel());
  const Division division = divide(all, shape_.regression ? 1 : shape_.outputs, *validation);
  valid_ = train_.chosen(division.held_out);
  train_ = train_.chosen(division.kept);
}

Batch SampleSet::batch(Split split, uint64_t, int64_t, const std::vector<int64_t>& indices) const {
  const SampleTensors samples = part(split).chosen(indices);
  const Tensor inputs = standardised(samples.inputs, preparation_.mean, preparation_.deviation);
  if (!shape_.regression) return {inputs, samples.targets};
  return {inputs, standardised(samples.targets, preparation_.target_mean, preparation_.target_deviation)};
}

}  // namespace optdnn::data
