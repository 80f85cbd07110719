#include "optdnn/kernels/winograd.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "optdnn/kernels/winograd_kernels.h"
#include "optdnn/kernels/workspace.h"

namespace optdnn::kernels {

namespace {

constexpr int64_t kWeightPartsPerThread = 4;  // fewer are not worth waking a thread

const WinogradKernels& kernels_of(Instructions instructions, WinogradTile tile, const WinogradShape& shape) {
  if (instructions == Instructions::avx2) return winograd_avx2(tile);
  return std::max(shape.inputs, shape.outputs) <= kNarrowChannels ? winograd_narrow(tile) : winograd_avx512(tile);
}

int64_t floats_of(const WinogradProductPlan& plan, int64_t threads) {
  return plan.weight_floats + threads * plan.thread_floats;
}
int64_t floats_of(const WinogradGradientPlan& plan, int64_t threads) {
  return plan.chunks * plan.chunk_floats + std::min(threads, plan.chunks) * plan.thread_floats;
}

void multiply(WinogradTile tile, const WinogradProduct& job, Instructions instructions) {
  const WinogradKernels& kernels = kernels_of(instructions, tile, job.shape);
  const int64_t threads = at::get_num_threads();
  const WinogradProductPlan plan = kernels.plan_product(job.shape, threads);
  const Workspace workspace(floats_of(plan, threads));
  float* const U = workspace.data();
  at::parallel_for(0, plan.weight_parts, kWeightPartsPerThread,
                   [&](int64_t begin, int64_t end) { kernels.transform_weights(job, plan, U, begin, end); });
  at::parallel_for(0, plan.blocks, 1, [&](int64_t begin, int64_t end) {
    float* const scratch = U + plan.weight_floats + at::get_thread_num() * plan.thread_floats;
    kernels.multiply_blocks(job, plan, U, scratch, begin, end);
  });
}

WinogradShape exchanged(WinogradShape shape) {
  std::swap(shape.inputs, shape.outputs);
  return shape;
}

}  // namespace

std::vector<Instructions> instructions_here() {
  std::vector<Instructions> found;
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    found.push_back(Instructions::avx512);
  if (avx2) found.push_back(Instructions::avx2);
#endif
  return found;
}

Instructions best_instructions() {
  static const Instructions best = instructions_here().empty() ? Instructions::none : instructions_here().front();
  return best;
}

std::string_view name_of(Instructions instructions) {
  switch (instructions) {
    case Instructions::avx512:
      return "AVX-512";
    case Instructions::avx2:
      return "AVX2";
    case Instructions::none:
      break;
  }
  return "none";
}

void winograd_forward(WinogradTile tile, const WinogradShape& shape, const float* x, const float* w,
                      const WeightStrides& strides, float* y, Instructions instructions) {
  multiply(tile, {shape, x, w, strides, /*rotated=*/false, y}, instructions);
}

void winograd_backward_data(WinogradTile tile, const WinogradShape& shape, const float* dy, const float* w,
                            const WeightStrides& strides, float* dx, Instructions instructions) {
  const WeightStrides turned = {strides.input, strides.output, strides.row, strides.column};
  multiply(tile, {exchanged(shape), dy, w, turned, /*rotated=*/true, dx}, instructions);
}

void winograd_backward_weights(WinogradTile tile, const WinogradShape& shape, const float* x, const float* dy,
                               float* dw, const WeightStrides& strides, Instructions instructions) {
  const WinogradKernels& kernels = kernels_of(instructions, tile, shape);
  const WinogradGradient job = {shape, x, dy, dw, strides};
  const WinogradGradientPlan plan = kernels.plan_gradient(shape);
  const Workspace workspace(floats_of(plan, at::get_num_threads()));
  float* const chunks = workspace.data();
  float* const scratches = chunks + plan.chunks * plan.chunk_floats;
  at::parallel_for(0, plan.chunks, 1, [&](int64_t begin, int64_t end) {
    kernels.sum_chunks(job, plan, chunks, scratches + at::get_thread_num() * plan.thread_floats, begin, end);
  });
  at::parallel_for(0, shape.outputs, 1,
                   [&](int64_t begin, int64_t end) { kernels.add_chunks(job, plan, chunks, begin, end); });
}

int64_t winograd_workspace_bytes(WinogradTile tile, const WinogradShape& shape, int64_t threads,
                                 Instructions instructions) {
  const WinogradKernels& kernels = kernels_of(instructions, tile, shape);
  const int64_t floats = std::max({floats_of(kernels.plan_product(shape, threads), threads),
                                   floats_of(kernels.plan_product(exchanged(shape), threads), threads),
                                   floats_of(kernels.plan_gradient(shape), threads)});
  return floats * static_cast<int64_t>(sizeof(float));
}

}  // namespace optdnn::kernels
