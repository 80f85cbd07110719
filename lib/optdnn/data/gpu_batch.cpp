#include "optdnn/data/gpu_batch.h"

#include <ATen/ceil_div.h>

#include <algorithm>
#include <limits>

#include "optdnn/data/upload.h"
#include "optdnn/kernels/gpu/batch.h"
#include "optdnn/kernels/launcher.h"

namespace optdnn::data {

using kernels::gpu::BatchSample;
using torch::Tensor;

namespace {

constexpr const char* kKernel = "assemble_batch";
constexpr int64_t kMostBlocks = 8;  // of a processor

int narrowed(int64_t number) { return static_cast<int>(number); }

BatchSample::Box narrowed(const Box& box) {
  return {narrowed(box.top), narrowed(box.bottom), narrowed(box.left), narrowed(box.right)};
}

// One row per sample, on the device. Images without parameters stay as they are.
Tensor table_of(const std::vector<int64_t>& samples, const std::vector<AugmentParameters>& parameters,
                const torch::Device& device) {
  constexpr int64_t kNumbers = sizeof(BatchSample) / sizeof(int);
  const Tensor table = torch::empty({std::ssize(samples), kNumbers}, torch::kInt32);
  auto* rows = static_cast<BatchSample*>(table.data_ptr());
  for (size_t i = 0; i < samples.size(); ++i) {
    const AugmentParameters drawn = parameters.empty() ? AugmentParameters{} : parameters[i];
    rows[i] = {narrowed(samples[i]), narrowed(drawn.shift_y), narrowed(drawn.shift_x),
               drawn.flip,           narrowed(drawn.cut),     narrowed(drawn.erased)};
  }
  return upload(table, device);
}

}  // namespace

bool gpu_batch_fits(const Tensor& images_NCHW, const Tensor& labels_N) {
  if (images_NCHW.device().is_cpu() || images_NCHW.scalar_type() != torch::kUInt8 || !images_NCHW.is_contiguous() ||
      labels_N.scalar_type() != torch::kInt64 || !labels_N.is_contiguous() ||
      images_NCHW.size(0) > std::numeric_limits<int>::max())
    return false;
  kernels::Launcher* launcher = kernels::launcher(images_NCHW.device());
  return launcher && launcher->has(kKernel);
}

Batch gpu_batch(const Tensor& images_NCHW, const Tensor& labels_N, const std::vector<int64_t>& samples,
                const std::vector<AugmentParameters>& parameters, const Tensor& black_C, const Tensor& scale_C,
                CropFill fill) {
  const auto device = images_NCHW.device();
  const int64_t count = std::ssize(samples), channels = images_NCHW.size(1), height = images_NCHW.size(2),
                width = images_NCHW.size(3);
  const Tensor table = table_of(samples, parameters, device);
  const Tensor inputs =
      torch::empty({count, channels, height, width},
                   torch::TensorOptions().device(device).memory_format(torch::MemoryFormat::ChannelsLast));
  const Tensor targets = torch::empty({count}, labels_N.options());
  kernels::Launcher& launcher = *kernels::launcher(device);
  const int64_t wanted = at::ceil_div<int64_t>(count * height * width, launcher.threads());
  const kernels::Grid grid{narrowed(std::clamp<int64_t>(wanted, 1, kMostBlocks * launcher.processors())), 1,
                           launcher.threads()};
  const kernels::gpu::BatchOfImages arguments{static_cast<const unsigned char*>(images_NCHW.const_data_ptr()),
                                              static_cast<const long long*>(labels_N.const_data_ptr()),
                                              static_cast<const BatchSample*>(table.const_data_ptr()),
                                              black_C.const_data_ptr<float>(),
                                              scale_C.const_data_ptr<float>(),
                                              inputs.data_ptr<float>(),
                                              static_cast<long long*>(targets.data_ptr()),
                                              narrowed(count),
                                              narrowed(channels),
                                              narrowed(height),
                                              narrowed(width),
                                              fill == CropFill::black  ? kernels::gpu::kBlack
                                              : fill == CropFill::mean ? kernels::gpu::kMean
                                                                       : kernels::gpu::kReflect};
  launcher.launch(kKernel, grid, arguments);
  return {inputs, targets};
}

}  // namespace optdnn::data
