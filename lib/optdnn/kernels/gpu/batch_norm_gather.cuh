// The statistics of a batch norm from the moments that the blocks of a convolution have left of its outputs: what
// batch_norm_statistics finds, without reading them.
#pragma once

#include "optdnn/kernels/gpu/batch_norm_relu.cuh"
#include "optdnn/kernels/gpu/partial.cuh"

namespace optdnn::kernels::gpu {

KERNEL batch_norm_gather(const BatchNormRelu a) {
  begin_kernel();
  gather(a.left, block() * kGatheredChannels, a.of.channels,
         [&](int channel, const float(&sums)[2], float about) { store_statistics(a, channel, sums, about); });
}

}  // namespace optdnn::kernels::gpu
