#include "optdnn/kernels/gpu_rows.h"

#include <ATen/ceil_div.h>

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::kernels {

namespace {

constexpr int64_t kVectorBytes = 16;
constexpr int kMostLanes = 32;                   // vectors of a row that a block takes
constexpr int64_t kRowsEach = 4;                 // at least, of a thread
constexpr int kBlocks = 2;                       // at most, of a processor
constexpr int64_t kMostRows = int64_t{1} << 30;  // kernels count some beyond the last

// Of the numbers of a row, or of all.
int width_of(const torch::Tensor& x, int64_t numbers) {
  int64_t width = kVectorBytes / x.element_size();
  while (numbers % width != 0) width /= 2;
  return static_cast<int>(width);
}

bool is_whole(const torch::Tensor& x, int64_t numbers) {
  return is_aligned(x, width_of(x, numbers) * x.element_size());
}

}  // namespace

bool GpuRows::is_rows(const torch::Tensor& x) {
  return !kernel_type(x.scalar_type()).empty() && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         x.numel() > 0 && x.numel() / x.size(1) < kMostRows && x.size(1) <= Launcher::kCounters &&
         is_whole(x, x.size(1));
}

bool GpuRows::is_flat(const torch::Tensor& x) {
  return !kernel_type(x.scalar_type()).empty() && x.is_non_overlapping_and_dense() && x.numel() > 0 &&
         x.numel() / width_of(x, x.numel()) < kMostRows && is_whole(x, x.numel());
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
  parts_ = static_cast<int>(at::ceil_div(vectors, rows_.lanes));
  slots_ = launcher.threads() / rows_.lanes;
}

std::string GpuRows::kernel(std::string_view function) const {
  return base::concat(function, "<", type_, ", ", width_, ">");
}

std::string GpuRows::kernel(std::string_view function, int more) const {
  return base::concat(function, "<", type_, ", ", width_, ", ", more, ">");
}

int GpuRows::blocks(int64_t least) const {
  const int64_t wanted = std::max(at::ceil_div<int64_t>(rows_.rows, slots_ * kRowsEach),
                                  std::min(at::ceil_div<int64_t>(rows_.rows, slots_), least));
  return static_cast<int>(std::clamp<int64_t>(wanted, 1, std::max(1, kBlocks * launcher_.processors() / parts_)));
}

// What is small is shared out among all processors, but not where blocks add up, the last of them all others' sums.
Grid GpuRows::mapping() const { return {blocks(launcher_.processors() / parts_), parts_, launcher_.threads(), 0}; }

Grid GpuRows::summing(int sums) const {
  const int threads = launcher_.threads();
  return {blocks(1), parts_, threads, floats_to_add_up(sums * width_, threads, rows_.lanes)};
}

gpu::Totals GpuRows::totals(int sums, torch::Tensor& room) const {
  const Grid grid = summing(sums);
  room = torch::empty({grid.parts, grid.blocks, sums * width_ * rows_.lanes}, floats_);
  return {room.mutable_data_ptr<float>(), launcher_.counters(), 0, grid.blocks};
}

}  // namespace optdnn::kernels
