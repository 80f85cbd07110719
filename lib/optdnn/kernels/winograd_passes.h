// The kernels of cpu_convolve_kernels.h for a tile: a product of images and weights, and the weights' gradient.
// Included by the file of each kind of processor, which is compiled for it.
#pragma once

#include "optdnn/kernels/winograd_blocks.h"

namespace optdnn::kernels {
namespace {

template <class Tile>
struct Product {
  static constexpr int64_t kPositions = Tile::kPoints * Tile::kPoints;
  // A transformed block of about so many numbers: with 1 MiB of second-level cache 48 tiles of 16 channels and 24 from
  // 32 channels measured best.
  static constexpr int64_t kBlockFloats = 112 * 1024 / sizeof(float);

  static ProductPlan plan(const ConvolutionShape& shape, int64_t threads) {
    const Grid<Tile> grid(shape);
    const int64_t in = vectors_of(shape.inputs), out = vectors_of(shape.outputs);
    const int64_t units = kBlockFloats / (kPositions * most(in, out) * kLanes) / kTileUnit;
    const int64_t of_thread = divide_up(divide_up(grid.tiles, threads), kTileUnit);
    ProductPlan plan = {};
    plan.block = most(1, least(least(units, 8), of_thread)) * kTileUnit;
    plan.blocks = divide_up(grid.tiles, plan.block);
    plan.weight_parts = out * in;
    plan.weight_position = out * kLanes * shape.inputs + kLanes;
    plan.weight_floats = kPositions * plan.weight_position;
    plan.in_place = panel(out) == out;  // one panel reads all inputs of its tiles before it stores
    plan.in_position = (plan.in_place ? most(in, out) : in) * plan.block * kLanes + kLanes;
    plan.out_position = plan.in_place ? plan.in_position : out * plan.block * kLanes + kLanes;
    plan.thread_floats = zero_row_floats<Tile>(shape.inputs) + kPositions * plan.in_position +
                         (plan.in_place ? 0 : kPositions * plan.out_position);
    plan.units = divide_up(grid.tiles, kTileUnit);
    plan.unit_floats = out * kSumsOfUnit * kLanes;
    plan.lanes = kLanes;
    return plan;
  }

  // U[position][panel][input][vector of the panel], the parts [begin, end): one vector of outputs and of inputs each.
  static void transform_weights(const ConvolutionProduct& job, const ProductPlan& plan, float* U, int64_t begin,
                                int64_t end) {
    const int64_t inputs = job.shape.inputs, outputs = job.shape.outputs;
    for (int64_t part = begin; part < end; ++part) {
      const int64_t out = part / vectors_of(inputs), in = part % vectors_of(inputs);
      int64_t first = 0, taken = panel(vectors_of(outputs));
      while (out >= first + taken) first += taken, taken = panel(vectors_of(outputs) - first);
      const int64_t columns = least(kLanes, outputs - out * kLanes), rows = least(kLanes, inputs - in * kLanes);
      float* panel_U = U + first * kLanes * inputs + (out - first) * kLanes;
      for (int64_t c = in * kLanes; c < in * kLanes + rows; ++c) {
        Lanes taps[9];
        for (int tap = 0; tap < 9; ++tap) {
          const int turned = job.rotated ? 8 - tap : tap;
          taps[tap] = weights(job, out * kLanes, columns, c, turned);
        }
        filter_tile<Tile>(taps, panel_U + c * taken * kLanes, plan.weight_position);
      }
    }
  }

  static void multiply_blocks(const ConvolutionProduct& job, const ProductPlan& plan, const float* U, float* scratch,
                              float* sums, int64_t begin, int64_t end) {
    const bool normed = job.of_x.scale != nullptr;
    const auto run = [&](auto is_normed, auto which) {
      multiply<is_normed, which>(job, plan, U, scratch, sums, begin, end);
    };
    constexpr std::integral_constant<ConvolutionSums, ConvolutionSums::none> none;
    constexpr std::integral_constant<ConvolutionSums, ConvolutionSums::moments> moments;
    constexpr std::integral_constant<ConvolutionSums, ConvolutionSums::gradient> gradient;
    if (job.sums == ConvolutionSums::gradient) return run(std::false_type(), gradient);
    if (job.sums == ConvolutionSums::moments) {
      return normed ? run(std::true_type(), moments) : run(std::false_type(), moments);
    }
    normed ? run(std::true_type(), none) : run(std::false_type(), none);
  }

 private:
  template <bool kNormed, ConvolutionSums kSums>
  static void multiply(const ConvolutionProduct& job, const ProductPlan& plan, const float* U, float* scratch,
                       float* sums, int64_t begin, int64_t end) {
    const Grid<Tile> grid(job.shape);
    const int64_t inputs = job.shape.inputs, outputs = job.shape.outputs;
    float* zeros = scratch;
    float* V = zeros + zero_row_floats<Tile>(inputs);
    float* M = plan.in_place ? V : V + kPositions * plan.in_position;
    std::memset(zeros, 0, sizeof(float) * zero_row_floats<Tile>(inputs));
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b * plan.block, last = least(first + plan.block, grid.tiles);
      transform_input<Tile, kNormed>(grid, job.x, job.of_x, inputs, first, last, plan.block, V, plan.in_position,
                                     zeros);
      const Ahead next = grid.rows_of(job.x, inputs, last, least(last + plan.block, grid.tiles));
      const Ahead written = grid.rows_of(job.y, outputs, first, last);
      const Ahead masking =
          kSums == ConvolutionSums::gradient ? grid.rows_of(job.x_of_y, outputs, first, last) : Ahead{};
      const int64_t tiles = divide_up(last - first, kTileUnit) * kTileUnit;
      for (int64_t p = 0; p < kPositions; ++p) {
        next.slice<false>(p, kPositions);
        written.slice<true>(p, kPositions);
        if constexpr (kSums == ConvolutionSums::gradient) masking.slice<false>(p, kPositions);
        multiply_position(V + p * plan.in_position, U + p * plan.weight_position, inputs, M + p * plan.out_position,
                          vectors_of(outputs), tiles, plan.block * kLanes);
      }
      transform_output<Tile, kSums>(grid, M, plan.out_position, job, first, last, plan.block, sums);
    }
  }

  // A tap of one input to `count` outputs from `output` on; the other lanes are zero.
  static OPTDNN_INLINE Lanes weights(const ConvolutionProduct& job, int64_t output, int64_t count, int64_t input,
                                     int tap) {
    const float* from = job.w + place_of(job.strides, output, input, tap);
    if (job.strides.output == 1) {
      return count == kLanes ? load(from) : load_first<false>(from, static_cast<int>(count));
    }
    Lanes taken = {};
    for (int64_t i = 0; i < count; ++i) taken[i] = from[i * job.strides.output];
    return taken;
  }
};

template <class Tile>
struct Gradient {
  static constexpr int64_t kPositions = Tile::kPoints * Tile::kPoints;
  static constexpr int64_t kMostChunks = 32, kFewestTiles = 64;
  static constexpr int64_t kChunkFloats = (16 << 20) / sizeof(float);  // of all chunks, unless eight take more

  // Of the shape alone, and nothing that differs between processors: the order of the sums follows from it.
  static WeightsGradientPlan plan(const ConvolutionShape& shape) {
    const int64_t tiles = Grid<Tile>(shape).tiles;
    const int64_t in = vectors_of(shape.inputs), out = vectors_of(shape.outputs);
    WeightsGradientPlan plan = {};
    plan.block = most(shape.inputs, shape.outputs) <= 16 ? 48 : 24;
    const int64_t by_memory = most(8, kChunkFloats / (9 * shape.inputs * shape.outputs));
    plan.chunks = most(1, least(least(kMostChunks, tiles / kFewestTiles), by_memory));
    plan.chunk_floats = 9 * out * in * kLanes * kLanes;
    plan.x_position = in * plan.block * kLanes + kLanes;
    plan.dy_position = out * plan.block * kLanes + kLanes;
    plan.dw_position = out * in * kLanes * kLanes + kLanes;
    plan.thread_floats = zero_row_floats<Tile>(most(shape.inputs, shape.outputs)) +
                         kPositions * (plan.x_position + plan.dy_position + plan.dw_position);
    return plan;
  }

  // Each chunk's gradient, [tap][output][input] in whole vectors.
  static void sum_chunks(const WeightsGradient& job, const WeightsGradientPlan& plan, float* chunks, float* scratch,
                         int64_t begin, int64_t end) {
    job.of_x.scale ? sum<true>(job, plan, chunks, scratch, begin, end)
                   : sum<false>(job, plan, chunks, scratch, begin, end);
  }

  template <bool kNormed>
  static void sum(const WeightsGradient& job, const WeightsGradientPlan& plan, float* chunks, float* scratch,
                  int64_t begin, int64_t end) {
    const Grid<Tile> grid(job.shape);
    const int64_t inputs = job.shape.inputs, outputs = job.shape.outputs;
    const int64_t row = vectors_of(inputs) * kLanes, tap = vectors_of(outputs) * kLanes * row;
    const int64_t zero_floats = zero_row_floats<Tile>(most(inputs, outputs));
    float* zeros = scratch;
    float* V = zeros + zero_floats;
    float* Z = V + kPositions * plan.x_position;
    float* D = Z + kPositions * plan.dy_position;
    std::memset(zeros, 0, sizeof(float) * zero_floats);
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t from = grid.tiles * chunk / plan.chunks, to = grid.tiles * (chunk + 1) / plan.chunks;
      const int64_t blocks = divide_up(to - from, plan.block);
      const auto begin_of = [&](int64_t b) { return from + (to - from) * least(b, blocks) / blocks; };
      for (int64_t b = 0; b < blocks; ++b) {
        const int64_t first = begin_of(b), last = begin_of(b + 1), after = begin_of(b + 2);
        transform_input<Tile, kNormed>(grid, job.x, job.of_x, inputs, first, last, plan.block, V, plan.x_position,
                                       zeros);
        transform_gradient<Tile>(grid, job.dy, outputs, first, last, plan.block, Z, plan.dy_position, zeros);
        const Ahead next_x = grid.rows_of(job.x, inputs, last, after);
        const Ahead next_dy = grid.rows_of(job.dy, outputs, last, after);
        for (int64_t p = 0; p < kPositions; ++p) {
          next_x.slice<false>(p, kPositions);
          next_dy.slice<false>(p, kPositions);
          add_position(Z + p * plan.dy_position, vectors_of(outputs), V + p * plan.x_position, vectors_of(inputs),
                       last - first, plan.block * kLanes, D + p * plan.dw_position, b == 0);
        }
      }
      for (int64_t i = 0; i < tap; i += kLanes)
        filter_gradient_tile<Tile>(D + i, plan.dw_position, chunks + chunk * plan.chunk_floats + i, tap);
    }
  }

  static void add_chunks(const WeightsGradient& job, const WeightsGradientPlan& plan, const float* chunks,
                         int64_t begin, int64_t end) {
    const int64_t inputs = job.shape.inputs, row = vectors_of(inputs) * kLanes;
    const int64_t tap_floats = vectors_of(job.shape.outputs) * kLanes * row;
    for (int64_t output = begin; output < end; ++output) {
      for (int tap = 0; tap < 9; ++tap) {
        float* to = job.dw + place_of(job.strides, output, 0, tap);
        const float* from = chunks + tap * tap_floats + output * row;
        for_each_vector(
            inputs, [&](int64_t vector, int lanes, auto whole) __attribute__((always_inline)) {
              Lanes sum = load(from + vector * kLanes);
              for (int64_t i = 1; i < plan.chunks; ++i) sum += load(from + i * plan.chunk_floats + vector * kLanes);
              float* place = to + vector * kLanes * job.strides.input;
              if (job.strides.input == 1) {
                store_first<whole>(place, sum, lanes);
              } else {
                for (int i = 0; i < lanes; ++i) place[i * job.strides.input] = sum[i];
              }
            });
      }
    }
  }
};

template <class Tile>
constexpr CpuConvolveKernels kKernels = {
    Product<Tile>::plan,  Product<Tile>::transform_weights, Product<Tile>::multiply_blocks,
    Gradient<Tile>::plan, Gradient<Tile>::sum_chunks,       Gradient<Tile>::add_chunks,
};

}  // namespace
}  // namespace optdnn::kernels
