// Arguments of kernels over many tensors (chunks.cuh). For C++ and CUDA alike.
#pragma once

namespace optdnn::kernels::gpu {

// Vectors of numbers that a thread takes of its block's chunk.
constexpr int kVectorsOfChunk = 4;

// Tensors cut into chunks, which are numbered through; a block takes one. Of a launch: how many tensors it has, and the
// number of its first chunk.
struct Chunks {
  int parts, begin;
};

}  // namespace optdnn::kernels::gpu
