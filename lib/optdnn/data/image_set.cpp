#include "optdnn/data/image_set.h"

#include "optdnn/data/gpu_batch.h"
#include "optdnn/data/upload.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::data {

namespace {

torch::Tensor per_channel(const std::vector<double>& values, const torch::Device& device) {
  return torch::tensor(values, torch::kFloat64).to(device, torch::kFloat32);
}

LabelledImages on_device(const LabelledImages& part, const torch::Device& device) {
  return {part.images_NCHW.to(device), part.labels_N.to(device)};
}

LabelledImages chosen(const LabelledImages& from, const std::vector<int64_t>& samples) {
  const torch::Tensor samples_N = torch::tensor(samples, torch::kInt64).to(from.labels_N.device());
  return {from.images_NCHW.index_select(0, samples_N), from.labels_N.index_select(0, samples_N)};
}

}  // namespace

std::vector<double> channel_means(const torch::Tensor& images_NCHW) {
  const torch::Tensor sums_C = images_NCHW.sum(torch::IntArrayRef{0, 2, 3}, false, torch::kInt64);
  const torch::Tensor means_C = sums_C.to(torch::kFloat64) / (255.0 * images_NCHW[0][0].numel() * images_NCHW.size(0));
  return kernels::numbers_of(means_C);
}

ImageSet::ImageSet(const LabelledImages& train, const LabelledImages& test, int64_t classes,
                   std::vector<std::string> class_names, const ImageStatistics& statistics, AugmentOptions options,
                   const torch::Device& device, const std::optional<ValidationSpec>& validation)
    : train_(on_device(train, device)),
      test_(on_device(test, device)),
      classes_(classes),
      class_names_(std::move(class_names)),
      black_C_(per_channel(statistics.mean, device) * 255.0),
      scale_C_((per_channel(statistics.std, device) * 255.0).reciprocal()),
      options_(std::move(options)) {
  if (!validation) return;
  const torch::Tensor labels_N = train.labels_N.cpu().contiguous();
  const std::span<const int64_t> labels(labels_N.const_data_ptr<int64_t>(), labels_N.numel());
  const Division division = divide(labels, classes, *validation);
  valid_ = chosen(train_, division.held_out);
  train_ = chosen(train_, division.kept);
}

int64_t ImageSet::size(Split split) const { return part(split).labels_N.defined() ? part(split).labels_N.size(0) : 0; }

DataShape ImageSet::shape() const { return {train_.images_NCHW.sizes().slice(1).vec(), classes_, false}; }

Preparation ImageSet::preparation() const {
  return {{}, kernels::numbers_of(black_C_), kernels::numbers_of(scale_C_.reciprocal()), class_names_, {}, {}};
}

Batch ImageSet::batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const {
  const LabelledImages& from = part(split);
  if (split == Split::train && contains(options_, Augmentation::mixup)) {
    std::vector<int64_t> partners;
    std::vector<float> weights;
    for (const int64_t sample : indices) {
      const MixupPartner drawn = draw_mixup(options_.mixup_alpha, size(split), seed, epoch, sample);
      partners.push_back(drawn.sample);
      weights.push_back(static_cast<float>(drawn.weight));
    }
    const Batch own = augmented_batch(seed, epoch, indices), other = augmented_batch(seed, epoch, partners);
    const torch::Tensor weights_B = upload(torch::tensor(weights), from.labels_N.device());
    const auto mixed = [&](const torch::Tensor& a, const torch::Tensor& b) {
      std::vector<int64_t> column(a.dim(), 1);
      column[0] = -1;
      return torch::lerp(b, a, weights_B.view(column));
    };
    const auto one_hot = [&](const torch::Tensor& labels_B) {
      return torch::one_hot(labels_B, classes_).to(torch::kFloat32);
    };
    return {mixed(own.inputs, other.inputs), mixed(one_hot(own.targets), one_hot(other.targets))};
  }
  if (split == Split::train && !options_.augment.empty()) return augmented_batch(seed, epoch, indices);
  return assembled(from, indices, {});
}

Batch ImageSet::assembled(const LabelledImages& from, const std::vector<int64_t>& indices,
                          const std::vector<AugmentParameters>& parameters) const {
  const auto& [images_NCHW, labels_N] = from;
  if (gpu_batch_fits(images_NCHW, labels_N))
    return gpu_batch(images_NCHW, labels_N, indices, parameters, black_C_, scale_C_, options_.crop_fill);
  const torch::Tensor samples_B = upload(torch::tensor(indices, torch::kInt64), labels_N.device());
  return {augmented(images_NCHW, indices, parameters, black_C_, scale_C_, options_.crop_fill),
          labels_N.index_select(0, samples_B)};
}

Batch ImageSet::augmented_batch(uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const {
  const int64_t height = train_.images_NCHW.size(2), width = train_.images_NCHW.size(3);
  std::vector<AugmentParameters> parameters;
  parameters.reserve(indices.size());
  for (const int64_t sample : indices) {
    parameters.push_back(draw_augmentation(options_, height, width, seed, epoch, sample));
  }
  return assembled(train_, indices, parameters);
}

}  // namespace optdnn::data
