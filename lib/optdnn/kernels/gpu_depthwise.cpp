#include "optdnn/kernels/gpu_depthwise.h"

#include <algorithm>
#include <limits>

#include "optdnn/base/text.h"
#include "optdnn/kernels/gpu/depthwise.h"
#include "optdnn/kernels/launcher.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::kernels {

using base::concat;
using torch::Tensor;

namespace {

constexpr int kBytesTogether = 16, kChannelsTogether = 8;

int size(const Tensor& x, int dimension) { return static_cast<int>(x.size(dimension)); }
int side_of(const Tensor& weight) { return size(weight, -1); }

std::string name_of(std::string_view kernel, const Tensor& weight) {
  return concat(kernel, "<", kernel_type(weight.scalar_type()), ", ", side_of(weight), ">");
}

Grid grid_of(const Launcher& launcher, const Tensor& x, int floats) {
  const int across = gpu::divided_up(size(x, 3), gpu::kDepthwiseTile),
            down = gpu::divided_up(size(x, 2), gpu::kDepthwiseTile),
            parts = gpu::divided_up(size(x, 1), gpu::kDepthwiseChannels);
  const int blocks = std::clamp(gpu::kDepthwiseBlocks * launcher.processors() / parts, 1, size(x, 0) * across * down);
  return {blocks, parts, gpu::kDepthwiseThreads, floats};
}

}  // namespace

bool gpu_depthwise_fits(const Tensor& x, const Tensor& weight) {
  if (x.device().is_cpu() || x.dim() != 4 || x.numel() == 0 || x.numel() >= std::numeric_limits<int>::max())
    return false;
  const int side = side_of(weight);
  if (x.element_size() != 2 || kernel_type(x.scalar_type()).empty() || weight.scalar_type() != x.scalar_type() ||
      !x.is_contiguous(at::MemoryFormat::ChannelsLast) || !is_aligned(x, kBytesTogether) ||
      x.size(1) % kChannelsTogether != 0 || (side != 3 && side != 5 && side != 7))
    return false;
  Launcher* launcher = kernels::launcher(x.device());
  const auto floats = std::max(gpu::depthwise_floats(side), gpu::depthwise_weights_floats(side));
  return launcher && launcher->threads() >= gpu::kDepthwiseThreads &&
         launcher->shared_bytes() >= floats * static_cast<int>(sizeof(float)) &&
         launcher->has(name_of("depthwise", weight)) && launcher->has(name_of("depthwise_weights", weight)) &&
         launcher->has(name_of("depthwise_add", weight));
}

bool gpu_depthwise_fits(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return gpu_depthwise_fits(x, weight) && bias.scalar_type() == x.scalar_type() && bias.is_contiguous() &&
         is_aligned(bias, 2 * bias.element_size());
}

Tensor gpu_depthwise_filtered(const Tensor& x, const Tensor& weight, const Tensor& bias, bool mirrored) {
  Launcher& launcher = *kernels::launcher(x.device());
  const Tensor y = torch::empty_like(x), by_channel = weight.contiguous();
  const gpu::Depthwise arguments{x.const_data_ptr(),
                                 by_channel.const_data_ptr(),
                                 bias.defined() ? bias.const_data_ptr() : nullptr,
                                 y.data_ptr(),
                                 size(x, 0),
                                 size(x, 2),
                                 size(x, 3),
                                 size(x, 1),
                                 mirrored};
  launcher.launch(name_of("depthwise", weight), grid_of(launcher, x, gpu::depthwise_floats(side_of(weight))),
                  arguments);
  return y;
}

std::pair<Tensor, Tensor> gpu_depthwise_gradients(const Tensor& x, const Tensor& dy, const Tensor& weight) {
  Launcher& launcher = *kernels::launcher(x.device());
  const int side = side_of(weight), sums = side * side + 1;
  const Grid grid = grid_of(launcher, x, gpu::depthwise_weights_floats(side));
  const Tensor left = torch::empty({grid.parts, grid.blocks, gpu::kLeftByBlock, sums, gpu::kDepthwiseChannels},
                                   x.options().dtype(torch::kFloat32));
  const Tensor d_weight = torch::empty(weight.sizes(), weight.options()),
               d_bias = torch::empty({x.size(1)}, x.options());
  const gpu::DepthwiseWeights arguments{x.const_data_ptr(),  dy.const_data_ptr(), left.data_ptr<float>(),
                                        d_weight.data_ptr(), d_bias.data_ptr(),   size(x, 0),
                                        size(x, 2),          size(x, 3),          size(x, 1),
                                        grid.blocks};
  launcher.launch(name_of("depthwise_weights", weight), grid, arguments);
  launcher.launch(name_of("depthwise_add", weight), {sums, grid.parts, gpu::kAddThreads, gpu::kAddThreads}, arguments);
  return {d_weight, d_bias};
}

}  // namespace optdnn::kernels
