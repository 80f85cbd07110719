// How rows of channels are shared out among a GPU's threads: the host's half of kernels/gpu/rows.cuh.
#pragma once

#include "optdnn/kernels/gpu/rows.h"
#include "optdnn/kernels/launcher.h"

namespace optdnn::kernels {

// Of shared memory, for a block whose threads add up so many numbers each, those of `lanes` apart.
inline int floats_to_add_up(int numbers, int threads, int lanes) { return numbers * (threads + 2 * lanes) + threads; }

// Tensors whose memory is rows x channels: images with their channels innermost, in one of the kernels' number types.
class GpuRows {
 public:
  // Requires: is_rows(x).
  GpuRows(Launcher& launcher, const torch::Tensor& x);
  // Any dense tensor, vectors of whose numbers stand in for rows. Requires: is_flat(x).
  static GpuRows flat(Launcher& launcher, const torch::Tensor& x);

  // Whether kernels can be told of it.
  static bool is_rows(const torch::Tensor& x);
  static bool is_flat(const torch::Tensor& x);

  // As in "batch_norm_relu<Half, 8>", or with one number more that it is made for.
  std::string kernel(std::string_view function) const;
  std::string kernel(std::string_view function, int more) const;
  const gpu::Rows& rows() const { return rows_; }
  int width() const { return width_; }
  // For a kernel that maps rows, and for one that adds up `sums` numbers a channel.
  Grid mapping() const;
  Grid summing(int sums) const;
  // Where it adds them up; `room` keeps the memory until the kernel has been started.
  gpu::Totals totals(int sums, torch::Tensor& room) const;

 private:
  GpuRows(Launcher& launcher, const torch::Tensor& x, int64_t channels);
  int blocks(int64_t least) const;

  Launcher& launcher_;
  torch::TensorOptions floats_;
  std::string_view type_;
  int width_;  // channels that are read as one
  gpu::Rows rows_;
  int parts_, slots_;
};

// Vectors as images of one pixel. Requires: contiguous. Shapes: x_..C -> N x C x 1 x 1.
inline torch::Tensor pixels_of(const torch::Tensor& x) { return x.view({-1, x.size(-1), 1, 1}); }

}  // namespace optdnn::kernels
