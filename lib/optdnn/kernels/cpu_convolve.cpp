#include "optdnn/kernels/cpu_convolve.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "optdnn/kernels/cpu_convolve_kernels.h"
#include "optdnn/kernels/workspace.h"

namespace optdnn::kernels {

namespace {

constexpr int64_t kWeightPartsPerThread = 4;  // fewer are not worth waking a thread

const CpuConvolveKernels& kernels_of(Instructions instructions, Way way, const ConvolutionShape& shape) {
  if (way == Way::rows) return instructions == Instructions::avx2 ? rows_avx2() : rows_avx512();
  if (instructions == Instructions::avx2) return winograd_avx2(way);
  return std::max(shape.inputs, shape.outputs) <= kNarrowChannels ? winograd_narrow(way) : winograd_avx512(way);
}

int64_t floats_of(const ProductPlan& plan, int64_t threads) {
  return plan.weight_floats + threads * plan.thread_floats;
}
int64_t floats_of(const WeightsGradientPlan& plan, int64_t threads) {
  return plan.chunks * plan.chunk_floats + std::min(threads, plan.chunks) * plan.thread_floats;
}

// What the kernels read of a norm. Zeros fill the last vector.
class NormNumbers {
 public:
  NormNumbers(const ChannelMap* map, const std::vector<double>* mean, int64_t channels)
      : channels_((channels + kMostLanes - 1) / kMostLanes * kMostLanes) {
    if (!map) return;
    numbers_.resize(3 * channels_);
    std::copy(map->scale.begin(), map->scale.end(), numbers_.begin());
    std::copy(map->shift.begin(), map->shift.end(), numbers_.begin() + channels_);
    if (mean) std::copy(mean->begin(), mean->end(), numbers_.begin() + 2 * channels_);
  }
  ConvolutionNorm norm() const {
    if (numbers_.empty()) return {};
    return {numbers_.data(), numbers_.data() + channels_, numbers_.data() + 2 * channels_};
  }

 private:
  int64_t channels_;
  std::vector<float> numbers_;
};

// What the units have added up: read(unit, i) is its i-th sum of a channel.
template <class Each>
void for_each_sum(const ProductPlan& plan, const float* sums, int64_t channels, Each each) {
  const int64_t of_vector = plan.unit_floats / ((channels + plan.lanes - 1) / plan.lanes);
  for (int64_t unit = 0; unit < plan.units; ++unit) {
    for (int64_t c = 0; c < channels; ++c) {
      const float* of_unit = sums + unit * plan.unit_floats + c / plan.lanes * of_vector + c % plan.lanes;
      each(c, [&](int64_t i) { return static_cast<double>(of_unit[i * plan.lanes]); });
    }
  }
}

// About one number for all units, that of the first.
ChannelMoments moments_of(const ProductPlan& plan, const float* units, int64_t channels) {
  std::vector<double> about(channels), sums(channels), squares(channels), counts(channels);
  for_each_sum(plan, units, channels, [&](int64_t c, auto read) {
    const double sum = read(0), own = read(2), count = read(3);
    if (counts[c] == 0) about[c] = own;
    const double off = own - about[c];
    sums[c] += sum + count * off;
    squares[c] += read(1) + off * (2 * sum + count * off);
    counts[c] += count;
  });
  return moments_about(about, sums, squares, counts.front());
}

ChannelSums gradient_sums(const ProductPlan& plan, const float* units, int64_t channels) {
  ChannelSums sums{std::vector<double>(channels), std::vector<double>(channels)};
  for_each_sum(plan, units, channels, [&](int64_t c, auto read) {
    sums.dz[c] += read(0);
    sums.dz_x[c] += read(1);
  });
  return sums;
}

// finish(plan, sums of the units), where there are any.
template <class Finish>
void multiply(Way way, const ConvolutionProduct& job, Instructions instructions, Finish finish) {
  const CpuConvolveKernels& kernels = kernels_of(instructions, way, job.shape);
  const int64_t threads = at::get_num_threads();
  const ProductPlan plan = kernels.plan_product(job.shape, threads);
  const int64_t sums_floats = job.sums == ConvolutionSums::none ? 0 : plan.units * plan.unit_floats;
  const Workspace workspace(floats_of(plan, threads) + sums_floats);
  float* const sums = workspace.data() + floats_of(plan, threads);
  float* const U = workspace.data();
  at::parallel_for(0, plan.weight_parts, kWeightPartsPerThread,
                   [&](int64_t begin, int64_t end) { kernels.lay_out_weights(job, plan, U, begin, end); });
  at::parallel_for(0, plan.blocks, 1, [&](int64_t begin, int64_t end) {
    float* const scratch = U + plan.weight_floats + at::get_thread_num() * plan.thread_floats;
    kernels.multiply_blocks(job, plan, U, scratch, sums, begin, end);
  });
  if (job.sums != ConvolutionSums::none) finish(plan, sums);
}

ConvolutionShape exchanged(ConvolutionShape shape) {
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

std::vector<Way> cpu_ways(const ConvolutionShape& shape) {
  std::vector<Way> ways = {Way::tile_2, Way::tile_4};
  if (shape.inputs == shape.outputs) ways.push_back(Way::rows);
  return ways;
}

void convolve_forward(Way way, const ConvolutionShape& shape, const float* x, const float* w,
                      const WeightStrides& strides, float* y, Instructions instructions, const ChannelMap* norm,
                      ChannelMoments* moments) {
  const NormNumbers of_x(norm, nullptr, shape.inputs);
  const ConvolutionSums wanted = moments ? ConvolutionSums::moments : ConvolutionSums::none;
  multiply(way, {shape, x, w, strides, /*rotated=*/false, y, of_x.norm(), wanted}, instructions,
           [&](const auto& plan, const float* sums) { *moments = moments_of(plan, sums, shape.outputs); });
}

void convolve_backward_data(Way way, const ConvolutionShape& shape, const float* dy, const float* w,
                            const WeightStrides& strides, float* dx, Instructions instructions,
                            const NormedImages& normed) {
  const WeightStrides turned = {strides.input, strides.output, strides.row, strides.column};
  const NormNumbers of_dx(normed.norm, normed.mean, shape.inputs);
  const ConvolutionSums wanted = normed.norm ? ConvolutionSums::gradient : ConvolutionSums::none;
  multiply(way, {exchanged(shape), dy, w, turned, /*rotated=*/true, dx, {}, wanted, of_dx.norm(), normed.x},
           instructions,
           [&](const auto& plan, const float* sums) { *normed.sums = gradient_sums(plan, sums, shape.inputs); });
}

void convolve_backward_weights(Way way, const ConvolutionShape& shape, const float* x, const float* dy, float* dw,
                               const WeightStrides& strides, Instructions instructions, const ChannelMap* norm) {
  const CpuConvolveKernels& kernels = kernels_of(instructions, way, shape);
  const NormNumbers of_x(norm, nullptr, shape.inputs);
  const WeightsGradient job = {shape, x, dy, dw, strides, of_x.norm()};
  const WeightsGradientPlan plan = kernels.plan_gradient(shape);
  const Workspace workspace(floats_of(plan, at::get_num_threads()));
  float* const chunks = workspace.data();
  float* const scratches = chunks + plan.chunks * plan.chunk_floats;
  at::parallel_for(0, plan.chunks, 1, [&](int64_t begin, int64_t end) {
    kernels.sum_chunks(job, plan, chunks, scratches + at::get_thread_num() * plan.thread_floats, begin, end);
  });
  at::parallel_for(0, shape.outputs, 1,
                   [&](int64_t begin, int64_t end) { kernels.add_chunks(job, plan, chunks, begin, end); });
}

int64_t convolve_workspace_bytes(Way way, const ConvolutionShape& shape, int64_t threads, Instructions instructions) {
  const CpuConvolveKernels& kernels = kernels_of(instructions, way, shape);
  const int64_t floats = std::max({floats_of(kernels.plan_product(shape, threads), threads),
                                   floats_of(kernels.plan_product(exchanged(shape), threads), threads),
                                   floats_of(kernels.plan_gradient(shape), threads)});
  return floats * static_cast<int64_t>(sizeof(float));
}

}  // namespace optdnn::kernels
