// Batches of images by the project's kernel against the operators in its place. Also for the make-believe device.
#include "optdnn/data/image_set.h"
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
