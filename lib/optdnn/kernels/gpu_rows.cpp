#include "optdnn/kernels/gpu_rows.h"

#include <algorithm>
#include <limits>

#include "optdnn/base/text.h"

namespace optdnn::kernels {

namespace {

constexpr int64_t kVectorBytes = 16;
constexpr int kMostLanes = 32;                 // vectors of a row that a block takes
constexpr int64_t kRowsEach = 4;               // at least, for a thread that adds up
constexpr int kSumBlocks = 2, kMapBlocks = 4;  // at most, of a processor

int width_of(const torch::Tensor& x) {
  int64_t width = kVectorBytes / x.element_size();
  while (x.size(1) % width != 0) width /= 2;
  return static_cast<int>(width);
}

int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

bool GpuRows::is_rows(const torch::Tensor& x) {
  return !kernel_type(x.scalar_type()).empty() && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         x.numel() > 0 && x.numel() / x.size(1) < std::numeric_limits<int>::max() && x.size(1) <= Launcher::kCounters &&
         reinterpret_cast<uintptr_t>(x.const_data_ptr()) % (width_of(x) * x.element_size()) == 0;
}

GpuRows::GpuRows(Launcher& launcher, const torch::Tensor& x)
    : launcher_(launcher),
      floats_(x.options().dtype(torch::kFloat32)),
      type_(kernel_type(x.scalar_type())),
      width_(width_of(x)),
      rows_{static_cast<int>(x.numel() / x.size(1)), static_cast<int>(x.size(1)), 0} {
  const int vectors = rows_.channels / width_;
  rows_.lanes = std::min({vectors, kMostLanes, launcher.threads()});
  parts_ = static_cast<int>(ceiling(vectors, rows_.lanes));
  slots_ = launcher.threads() / rows_.lanes;
}

std::string GpuRows::kernel(std::string_view function) const {
  return base::concat(function, "<", type_, ", ", width_, ">");
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
