// Batches of images by the project's kernel against the operators in its place, and photographs that go up as bytes.
// Also for the make-believe device.
#include "optdnn/data/image_set.h"
#include "optdnn/data/photo_batch.h"
#include "optdnn/kernels/launcher.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using torch::Tensor;

namespace {

// Not square, of an odd size.
data::ImageSet made_set(const torch::Device& device, const data::AugmentOptions& options, int64_t channels) {
  torch::manual_seed(3);
  const data::LabelledImages images = {torch::randint(0, 256, {23, channels, 9, 7}, torch::kUInt8),
                                       torch::randint(0, 5, {23}, torch::kInt64)};
  const std::vector<double> mean(channels, 0.48), deviation(channels, 0.23);
  return data::ImageSet(images, images, 5, {"a", "b", "c", "d", "e"}, {mean, deviation}, options, device);
}

int64_t assembled(const torch::Device& device) {
  const auto launches = kernels::launcher(device)->launches();
  const auto found = launches.find("assemble_batch");
  return found == launches.end() ? 0 : found->second;
}

}  // namespace

TEST_CASE("a kernel makes the batches that the operators make on the CPU, bit for bit, however they are augmented") {
  const auto gpu = accelerator();
  if (!gpu) return;
  using data::Augmentation;
  const std::vector<int64_t> samples = {4, 22, 0, 4, 17, 9, 11};
  for (const auto fill : {data::CropFill::black, data::CropFill::mean, data::CropFill::reflect}) {
    for (const std::vector<Augmentation>& augment : std::vector<std::vector<Augmentation>>{
             {},
             {Augmentation::flip},
             {Augmentation::crop, Augmentation::flip},
             {Augmentation::crop, Augmentation::cutout},
             {Augmentation::erase, Augmentation::crop, Augmentation::flip, Augmentation::mixup}}) {
      for (const int64_t channels : {1, 3}) {
        data::AugmentOptions options;
        options.augment = augment;
        options.crop_fill = fill;
        options.cutout_size = 5;
        options.erase_probability = 0.8;
        const auto cpu = made_set(torch::kCPU, options, channels), other = made_set(gpu->device, options, channels);
        for (const auto split : {data::Split::train, data::Split::test}) {
          const int64_t before = assembled(gpu->device);
          const data::Batch wanted = cpu.batch(split, 5, 2, samples), found = other.batch(split, 5, 2, samples);
          CAPTURE(static_cast<int>(fill), augment.size(), channels, static_cast<int>(split));
          REQUIRE(assembled(gpu->device) > before);
          REQUIRE(found.inputs.is_contiguous(at::MemoryFormat::ChannelsLast));
          REQUIRE(found.inputs.cpu().equal(wanted.inputs));
          REQUIRE(found.targets.cpu().equal(wanted.targets));
        }
      }
    }
  }
}

TEST_CASE("photographs become on a GPU the numbers that they become on the CPU, erased and mixed") {
  const auto gpu = accelerator();
  if (!gpu) return;
  constexpr int64_t kSize = 7, kCount = 5;
  data::Mixture cut{0.75, {1, 4, 2, 6}}, blend{0.3, {}};
  for (const auto& mixture : {std::optional<data::Mixture>(), std::optional(cut), std::optional(blend)}) {
    const auto made = [&](const torch::Device& device) {
      base::RandomStream random(5, "photos");
      data::PhotoBatch batch(kCount, kSize, device);
      for (int64_t b = 0; b < kCount; ++b) {
        photos::Pixels pixels(kSize, kSize);
        for (uint8_t& byte : pixels.bytes) byte = static_cast<uint8_t>(random.below(256));
        batch.put(b, pixels, b % 3);
      }
      batch.erase(1, {2, 3, 4, 2}, std::vector<float>(3 * 4 * 2, 0.625f));
      batch.erase(4, {0, 0, 1, 1}, {1.0f, -2.0f, 3.0f});
      if (mixture) batch.mix(*mixture, 3);
      return batch.finished();
    };
    const data::Batch wanted = made(torch::kCPU), found = made(gpu->device);
    REQUIRE(found.inputs.device().type() == gpu->device.type());
    const bool rounds = mixture && mixture->box.bottom == 0;
    REQUIRE(torch::allclose(found.inputs.cpu(), wanted.inputs, rounds ? 1e-6 : 0, 1e-7));
    REQUIRE((rounds || found.inputs.cpu().equal(wanted.inputs)));
    REQUIRE(torch::allclose(found.targets.cpu(), wanted.targets));
  }
}
