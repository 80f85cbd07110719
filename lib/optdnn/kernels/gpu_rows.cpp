#include "optdnn/kernels/gpu_rows.h"

#include <algorithm>
#include <limits>

#include "optdnn/base/text.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::kernels {

namespace {

constexpr int64_t kVectorBytes = 16;
constexpr int kMostLanes = 32;                 // vectors of a row that a block takes
constexpr int64_t kRowsEach = 4;               // at least, for a thread that adds up
constexpr int kSumBlocks = 2, kMapBlocks = 4;  // at most, of a processor

// Of the numbers of a row, or of all.
int width_of(const torch::Tensor& x, int64_t numbers) {
  int64_t width = kVectorBytes / x.element_size();
  while (numbers % width != 0) width /= 2;
  return static_cast<int>(width);
}

bool is_whole(const torch::Tensor& x, int64_t numbers) {
  return is_aligned(x, width_of(x, numbers) * x.element_size());
}

int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

bool GpuRows::is_rows(const torch::Tensor& x) {
  return !kernel_type(x.scalar_type()).empty() && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         x.numel() > 0 && x.numel() / x.size(1) < std::numeric_limits<int>::max() && x.size(1) <= Launcher::kCounters &&
         is_whole(x, x.size(1));
}

bool GpuRows::is_flat(const torch::Tensor& x) {
  return !kernel_type(x.scalar_type()).empty() && x.is_non_overlapping_and_dense() && x.numel() > 0 &&
         x.numel() / width_of(x, x.numel()) < std::numeric_limits<int>::max() && is_whole(x, x.numel());
}

GpuRows::GpuRows(Launcher& launcher, const torch::Tensor& x) : GpuRows(launcher, x, x.size(1)) {}

GpuRows GpuRows::flat(Launcher& launcher, const torch::Tensor& x) {
  return GpuRows(launcher, x, width_of(x, x.numel()));
}

GpuRows::GpuRows(Launcher& launcher, const torch::Tensor& x, int64_t channels)
    : launcher_(launcher),
      floats_(x.options().dtype(torch::kFloat32)),
      type_(kernel_type(x.scalar_type())),
      width_(width_of(x, channels)),
      rows_{static_cast<int>(x.numel() / channels), static_cast<int>(channels), 0} {
  const int vectors = rows_.channels / width_;
  rows_.lanes = std::min({vectors, kMostLanes, launcher.threads()});
  parts_ = static_cast<int>(ceiling(vectors, rows_.lanes));
  slots_ = launcher.threads() / rows_.lanes;
}

std::string GpuRows::kernel(std::string_view function) const {
  return base::concat(function, "<", type_, ", ", width_, ">");
}

std::string GpuRows::kernel(std::string_view function, int more) const {
  return base::concat(function, "<", type_, ", ", width_, ", ", more, ">");
}

int GpuRows::blocks(int64_t rows_each, int of_processor) const {
  const int64_t wanted = ceiling(rows_.rows, slots_ * rows_each), most = of_processor * launcher_.processors();
  return static_cast<int>(std::clamp<int64_t>(wanted, 1, std::max<int64_t>(1, most / parts_)));
}

Grid GpuRows::mapping() const { return {blocks(1, kMapBlocks), parts_, launcher_.threads(), 0}; }

Grid GpuRows::summing(int sums) const {
  const int threads = launcher_.threads();
  return {blocks(kRowsEach, kSumBlocks), parts_, threads, std::max(1, threads * sums * width_)};
}

gpu::Totals GpuRows::totals(int sums, torch::Tensor& room) const {
  const Grid grid = summing(sums);
  room = torch::empty({grid.parts, grid.blocks, sums * width_ * rows_.lanes}, floats_);
  return {room.mutable_data_ptr<float>(), launcher_.counters(), 0, grid.blocks};
}

}  // namespace optdnn::kernels
