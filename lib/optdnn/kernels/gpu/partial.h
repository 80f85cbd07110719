// What the blocks of a convolution leave of the channels that they make, for another kernel to add up. For C++ and CUDA
// alike.
#pragma once

namespace optdnn::kernels::gpu {

constexpr int kAddThreads = 512;  // of a block that adds up what others have left

constexpr int divided_up(int a, int b) { return (a + b - 1) / b; }

// Of a channel and a block: the sum of its numbers' differences from one of them, and of their squares; which one, and
// how many. Or two sums of another kind, and zeros.
constexpr int kPartialNumbers = 4;

// parts x blocks x `made` channels x kPartialNumbers.
struct Partial {
  float* sums;  // null: none
  int made, blocks;
};

constexpr int kGatheredChannels = 8;  // that a block adds up

}  // namespace optdnn::kernels::gpu
