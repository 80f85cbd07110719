#include "optdnn/data/photo_batch.h"

#include <array>

#include "optdnn/data/upload.h"

namespace optdnn::data {

using torch::Tensor;

namespace {

constexpr int64_t kChannels = 3, kBytes = 256;
constexpr std::array<double, kChannels> kMean = {0.485, 0.456, 0.406}, kDeviation = {0.229, 0.224, 0.225};

// The number that byte v of channel c becomes, at 3 v + c.
const Tensor& numbers_of_bytes() {
  static const Tensor table = [] {
    const Tensor made = torch::empty({kBytes * kChannels});
    for (int64_t i = 0; i < made.numel(); ++i) {
      const int64_t v = i / kChannels, c = i % kChannels;
      made.mutable_data_ptr<float>()[i] =
          static_cast<float>((static_cast<double>(v) / 255.0 - kMean[c]) / kDeviation[c]);
    }
    return made;
  }();
  return table;
}

std::vector<double> times_255(const std::array<double, kChannels>& of_one) {
  std::vector<double> scaled(of_one.begin(), of_one.end());
  for (double& value : scaled) value *= 255;
  return scaled;
}

}  // namespace

const std::vector<double>& photo_mean() {
  static const std::vector<double> mean = times_255(kMean);
  return mean;
}

const std::vector<double>& photo_deviation() {
  static const std::vector<double> deviation = times_255(kDeviation);
  return deviation;
}

PhotoBatch::PhotoBatch(int64_t count, int64_t size_px, const torch::Device& device)
    : device_(device), size_px_(size_px) {
  const auto options = torch::TensorOptions().pinned_memory(!device.is_cpu());
  pixels_BHWC_ = torch::empty({count, size_px, size_px, kChannels}, options.dtype(torch::kUInt8));
  labels_B_ = torch::empty({count}, options.dtype(torch::kInt64));
}

void PhotoBatch::put(int64_t b, const photos::Pixels& pixels, int64_t label) {
  uint8_t* to = pixels_BHWC_.mutable_data_ptr<uint8_t>() + pixels_BHWC_.stride(0) * b;
  for (size_t i = 0; i < pixels.bytes.size(); i += 4) to = std::copy_n(pixels.bytes.data() + i, kChannels, to);
  labels_B_.mutable_data_ptr<int64_t>()[b] = label;
}

void PhotoBatch::erase(int64_t b, const photos::Rectangle& box, const std::vector<float>& noise) {
  for (int64_t y = box.y; y < box.y + box.height; ++y) {
    const int64_t first = kChannels * ((b * size_px_ + y) * size_px_ + box.x);
    for (int64_t i = 0; i < kChannels * box.width; ++i) erased_.push_back(first + i);
  }
  noise_.insert(noise_.end(), noise.begin(), noise.end());
}

void PhotoBatch::mix(const Mixture& mixture, int64_t classes) {
  mixture_ = mixture;
  classes_ = classes;
}

// Shapes: -> BHWC, float32.
Tensor PhotoBatch::normalised() const {
  if (device_.is_cpu()) {
    const float* table = numbers_of_bytes().const_data_ptr<float>();
    const Tensor values = torch::empty(pixels_BHWC_.sizes());
    const uint8_t* from = pixels_BHWC_.const_data_ptr<uint8_t>();
    float* to = values.mutable_data_ptr<float>();
    for (int64_t i = 0; i < values.numel(); i += kChannels) {
      for (int64_t c = 0; c < kChannels; ++c) to[i + c] = table[kChannels * from[i + c] + c];
    }
    return values;
  }
  const Tensor bytes = upload(pixels_BHWC_, device_);
  const Tensor channels = torch::arange(kChannels, bytes.options().dtype(torch::kInt32));
  const Tensor places = bytes.to(torch::kInt32).mul_(kChannels).add_(channels);
  return upload(numbers_of_bytes(), device_).index_select(0, places.flatten()).view(pixels_BHWC_.sizes());
}

Batch PhotoBatch::finished() const {
  const torch::NoGradGuard no_grad;
  Tensor values_BHWC = normalised();
  if (!erased_.empty()) {
    const auto sent = [&](const auto& numbers) { return upload(torch::tensor(numbers), device_); };
    values_BHWC.view(-1).index_copy_(0, sent(erased_), sent(noise_));
  }
  const Batch batch{values_BHWC.permute({0, 3, 1, 2}), upload(labels_B_, device_)};
  return mixture_ ? mixed(batch, *mixture_, classes_) : batch;
}

}  // namespace optdnn::data
