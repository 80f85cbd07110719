// 3x3 convolutions of few channels, as many out as in, by the direct way: rows of W pixels of C channels are read as
// runs of W C numbers, in which
//     y[row, j] = sum over t = 0..2 and |o| < 2 C of x[row + t - 1, j + o] w[j mod C, t, o],
// so that every lane of a vector is in use however few the channels are. A quarter of these weights are zeros, those of
// pixels two away. Which weights a vector takes repeats after C / gcd(C, lanes) vectors of a row: these are its phases.
// An image is copied to where zeros surround it. Included by the file of each kind of processor, compiled for it.
#pragma once

#include "optdnn/kernels/cpu_convolve_kernels.h"
#include "optdnn/kernels/lanes.h"

namespace optdnn::kernels {
namespace {

constexpr int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }
constexpr int64_t common_divisor(int64_t a, int64_t b) { return b == 0 ? a : common_divisor(b, a % b); }

// Offsets whose weights' gradients are summed at once, in registers: three for each, one a row.
constexpr int64_t kMostOffsets = kAccumulators / 3;

OPTDNN_INLINE Lanes load_up_to(const float* from, int lanes) {
  return lanes == kLanes ? load(from) : load_first<false>(from, lanes);
}
OPTDNN_INLINE void store_up_to(float* to, Lanes value, int lanes) {
  lanes == kLanes ? store(to, value) : store_first<false>(to, value, lanes);
}

// An image as runs of numbers, and its copy with zeros around, whose row y begins at (y + 1) row_floats.
struct Runs {
  explicit Runs(const ConvolutionShape& shape)
      : channels(shape.inputs),
        height(shape.height),
        length(shape.width * shape.inputs),
        phases(shape.inputs / common_divisor(shape.inputs, kLanes)),
        offsets(4 * shape.inputs - 1),
        margin(2 * shape.inputs),
        row_floats(margin + round_up(length, kLanes)),
        padded_floats((height + 2) * row_floats + margin + kMostOffsets) {}

  int64_t image_floats() const { return height * length; }
  int64_t phased_floats() const { return phases * kLanes; }
  float* inside(float* padded, int64_t y) const { return padded + (y + 1) * row_floats + margin; }
  int64_t channel(int64_t phase, int64_t lane) const { return (phase * kLanes + lane) % channels; }

  // A number per channel, lane by lane of all phases.
  const float* repeated(const float* per_channel, float* to) const {
    for (int64_t i = 0; i < phased_floats(); ++i) to[i] = per_channel[i % channels];
    return to;
  }

  // Calls each(number in the row, lanes) for the row's vectors of a phase.
  template <class Each>
  OPTDNN_INLINE void for_each_of(int64_t phase, Each each) const {
    for (int64_t j = phase * kLanes; j < length; j += phased_floats())
      each(j, static_cast<int>(least(kLanes, length - j)));
  }

  int64_t channels, height, length, phases, offsets, margin, row_floats, padded_floats;
};

// Norms by phase, in scratch of their own.
struct PhasedNorm {
  PhasedNorm(const Runs& runs, const ConvolutionNorm& norm, float* scratch) {
    if (!norm.scale) return;
    scale = runs.repeated(norm.scale, scratch);
    shift = runs.repeated(norm.shift, scratch + runs.phased_floats());
    mean = runs.repeated(norm.mean, scratch + 2 * runs.phased_floats());
  }
  static int64_t floats(const Runs& runs) { return 3 * runs.phased_floats(); }

  const float *scale = nullptr, *shift = nullptr, *mean = nullptr;
};

// One image of x, or relu(norm(x)), to the inside of `padded`.
inline void copy_inside(const Runs& runs, const float* x, const PhasedNorm& norm, float* padded) {
  for (int64_t y = 0; y < runs.height; ++y) {
    const float* from = x + y * runs.length;
    float* to = runs.inside(padded, y);
    for (int64_t phase = 0; phase < runs.phases; ++phase) {
      runs.for_each_of(
          phase, [&](int64_t j, int lanes) __attribute__((always_inline)) {
            Lanes value = load_up_to(from + j, lanes);
            if (norm.scale) value = relu(value * load(norm.scale + phase * kLanes) + load(norm.shift + phase * kLanes));
            store_up_to(to + j, value, lanes);
          });
    }
  }
}

// A vector of kRows rows of y. `x` is where the first of its numbers lies in the row above, for the first offset.
template <int kRows>
OPTDNN_INLINE void multiply_rows(const Runs& runs, const float* x, const float* weights, float* y, int lanes) {
  Lanes sums[kRows] = {};
  for (int64_t o = 0; o < runs.offsets; ++o, weights += 3 * kLanes) {
    const Lanes above = load(weights), here = load(weights + kLanes), below = load(weights + 2 * kLanes);
#pragma GCC unroll 10
    for (int r = 0; r < kRows + 2; ++r) {
      Lanes value = load(x + o + r * runs.row_floats);
      keep(value);
      if (r < kRows) sums[r] += value * above;
      if (r >= 1 && r <= kRows) sums[r - 1] += value * here;
      if (r >= 2) sums[r - 2] += value * below;
    }
  }
  for (int r = 0; r < kRows; ++r) store_up_to(y + r * runs.length, sums[r], lanes);
}

// One image. weights[phase][offset][row][lane].
inline void multiply_image(const Runs& runs, const float* padded, const float* weights, float* y) {
  const auto run = [&](auto rows, int64_t row) __attribute__((always_inline)) {
    for (int64_t phase = 0; phase < runs.phases; ++phase) {
      const float* of_phase = weights + phase * runs.offsets * 3 * kLanes;
      runs.for_each_of(
          phase, [&](int64_t j, int lanes) __attribute__((always_inline)) {
            multiply_rows<rows>(runs, padded + row * runs.row_floats + j + 1, of_phase, y + row * runs.length + j,
                                lanes);
          });
    }
  };
  for (int64_t row = 0; row < runs.height;) {
    const int64_t left = runs.height - row;
    if (left >= 8) {
      run(std::integral_constant<int, 8>(), row), row += 8;
    } else if (left >= 4) {
      run(std::integral_constant<int, 4>(), row), row += 4;
    } else {
      run(std::integral_constant<int, 1>(), row), row += 1;
    }
  }
}

// The sums of an image, added to those of their channels: [vector of channels][of what][lane], as all kernels leave
// them.
OPTDNN_INLINE void add_to_channels(const Runs& runs, int64_t phase, Lanes value, int64_t what, float* unit) {
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    const int64_t c = runs.channel(phase, lane);
    unit[(c / kLanes * kSumsOfUnit + what) * kLanes + c % kLanes] += value[lane];
  }
}

// About the first pixel.
inline void add_moments(const Runs& runs, const float* y, float* about, float* unit) {
  runs.repeated(y, about);
  for (int64_t phase = 0; phase < runs.phases; ++phase) {
    Lanes sum = {}, squares = {};
    for (int64_t row = 0; row < runs.height; ++row) {
      runs.for_each_of(
          phase, [&](int64_t j, int lanes) __attribute__((always_inline)) {
            const Lanes off = load_up_to(y + row * runs.length + j, lanes) - load_up_to(about + phase * kLanes, lanes);
            sum += off;
            squares += off * off;
          });
    }
    add_to_channels(runs, phase, sum, 0, unit);
    add_to_channels(runs, phase, squares, 1, unit);
  }
  for (int64_t c = 0; c < runs.channels; ++c) {
    float* of_channel = unit + c / kLanes * kSumsOfUnit * kLanes + c % kLanes;
    of_channel[2 * kLanes] = about[c];
    of_channel[3 * kLanes] = static_cast<float>(runs.image_floats() / runs.channels);
  }
}

// The gradient of relu(norm(x)) becomes that of norm(x).
inline void mask(const Runs& runs, const float* x, const PhasedNorm& norm, float* gradient, float* unit) {
  for (int64_t phase = 0; phase < runs.phases; ++phase) {
    const auto of = [&](const float* phased) { return load(phased + phase * kLanes); };
    const Lanes scale = of(norm.scale), shift = of(norm.shift), mean = of(norm.mean);
    Lanes sum = {}, products = {};
    for (int64_t row = 0; row < runs.height; ++row) {
      runs.for_each_of(
          phase, [&](int64_t j, int lanes) __attribute__((always_inline)) {
            float* place = gradient + row * runs.length + j;
            const Lanes at = load_up_to(x + row * runs.length + j, lanes);
            const Lanes dz = at * scale + shift > 0 ? load_up_to(place, lanes) : Lanes{};
            store_up_to(place, dz, lanes);
            sum += dz;
            products += dz * (at - mean);
          });
    }
    add_to_channels(runs, phase, sum, 0, unit);
    add_to_channels(runs, phase, products, 1, unit);
  }
}

struct RowsProduct {
  static ProductPlan plan(const ConvolutionShape& shape, int64_t) {
    const Runs runs(shape);
    ProductPlan plan = {};
    plan.block = 1;
    plan.blocks = plan.units = shape.images;
    plan.weight_parts = runs.phases;
    plan.weight_floats = runs.phases * runs.offsets * 3 * kLanes;
    plan.thread_floats = runs.padded_floats + 2 * PhasedNorm::floats(runs);
    plan.unit_floats = divide_up(shape.outputs, kLanes) * kSumsOfUnit * kLanes;
    plan.lanes = kLanes;
    return plan;
  }

  static void lay_out_weights(const ConvolutionProduct& job, const ProductPlan&, float* weights, int64_t begin,
                              int64_t end) {
    const Runs runs(job.shape);
    const int64_t of_phase = runs.offsets * 3 * kLanes;
    std::memset(weights + begin * of_phase, 0, sizeof(float) * (end - begin) * of_phase);
    for (int64_t phase = begin; phase < end; ++phase) {
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        const int64_t output = runs.channel(phase, lane);
        for (int64_t tap = 0; tap < 9; ++tap) {
          const int64_t turned = job.rotated ? 8 - tap : tap, row = tap / 3, column = tap % 3;
          for (int64_t input = 0; input < runs.channels; ++input) {
            const int64_t offset = (column + 1) * runs.channels + input - output - 1;
            weights[phase * of_phase + (offset * 3 + row) * kLanes + lane] =
                job.w[place_of(job.strides, output, input, turned)];
          }
        }
      }
    }
  }

  static void multiply_images(const ConvolutionProduct& job, const ProductPlan& plan, const float* weights,
                              float* scratch, float* sums, int64_t begin, int64_t end) {
    const Runs runs(job.shape);
    float *padded = scratch, *numbers = padded + runs.padded_floats;
    const PhasedNorm of_x(runs, job.of_x, numbers), of_y(runs, job.of_y, numbers + PhasedNorm::floats(runs));
    std::memset(padded, 0, sizeof(float) * runs.padded_floats);
    for (int64_t image = begin; image < end; ++image) {
      float* y = job.y + image * runs.image_floats();
      copy_inside(runs, job.x + image * runs.image_floats(), of_x, padded);
      multiply_image(runs, padded, weights, y);
      if (job.sums == ConvolutionSums::none) continue;
      float* unit = sums + image * plan.unit_floats;
      std::memset(unit, 0, sizeof(float) * plan.unit_floats);
      if (job.sums == ConvolutionSums::moments) {
        add_moments(runs, y, numbers + PhasedNorm::floats(runs), unit);
      } else {
        mask(runs, job.x_of_y + image * runs.image_floats(), of_y, y, unit);
      }
    }
  }
};

// The gradient of the weights: sums over all numbers of a phase of x[row + t - 1, j + o] dy[row, j], lane by lane. A
// chunk is [phase][group of offsets][row][offset][lane].
struct RowsGradient {
  static constexpr int64_t kMostChunks = 32;

  // As many offsets at once as leave the fewest sums unused.
  static int64_t at_once(const Runs& runs) {
    const auto made = [&](int64_t at_once) { return round_up(runs.offsets, at_once); };
    return made(kMostOffsets - 1) < made(kMostOffsets) ? kMostOffsets - 1 : kMostOffsets;
  }

  // Of the shape alone, as those of Winograd's kernels.
  static WeightsGradientPlan plan(const ConvolutionShape& shape) {
    const Runs runs(shape);
    WeightsGradientPlan plan = {};
    plan.chunks = least(kMostChunks, shape.images);
    plan.chunk_floats = runs.phases * round_up(runs.offsets, at_once(runs)) * 3 * kLanes;
    plan.thread_floats = 2 * runs.padded_floats + PhasedNorm::floats(runs);
    return plan;
  }

  // sums[row][offset from `x` on][lane] of one image and phase.
  template <int kOffsets>
  static OPTDNN_INLINE void add_image(const Runs& runs, const float* x, const float* dy, int64_t phase, float* sums) {
    Lanes of[3][kOffsets];
    for (int i = 0; i < 3 * kOffsets; ++i) of[i / kOffsets][i % kOffsets] = load(sums + i * kLanes);
    for (int64_t row = 1; row <= runs.height; ++row) {
      runs.for_each_of(
          phase, [&](int64_t j, int) __attribute__((always_inline)) {
            const float* at = dy + row * runs.row_floats + runs.margin + j;
            const Lanes above = load(at - runs.row_floats), here = load(at), below = load(at + runs.row_floats);
#pragma GCC unroll 8
            for (int o = 0; o < kOffsets; ++o) {
              Lanes value = load(x + row * runs.row_floats + j + o);
              keep(value);
              of[0][o] += value * below;
              of[1][o] += value * here;
              of[2][o] += value * above;
            }
          });
    }
    for (int i = 0; i < 3 * kOffsets; ++i) store(sums + i * kLanes, of[i / kOffsets][i % kOffsets]);
  }

  static void sum_chunks(const WeightsGradient& job, const WeightsGradientPlan& plan, float* chunks, float* scratch,
                         int64_t begin, int64_t end) {
    const Runs runs(job.shape);
    const int64_t at_once = RowsGradient::at_once(runs), groups = divide_up(runs.offsets, at_once);
    float *x = scratch, *dy = x + runs.padded_floats;
    const PhasedNorm of_x(runs, job.of_x, dy + runs.padded_floats), as_it_is(runs, {}, nullptr);
    std::memset(x, 0, sizeof(float) * 2 * runs.padded_floats);
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      float* sums = chunks + chunk * plan.chunk_floats;
      std::memset(sums, 0, sizeof(float) * plan.chunk_floats);
      const int64_t first = job.shape.images * chunk / plan.chunks, last = job.shape.images * (chunk + 1) / plan.chunks;
      for (int64_t image = first; image < last; ++image) {
        copy_inside(runs, job.x + image * runs.image_floats(), of_x, x);
        copy_inside(runs, job.dy + image * runs.image_floats(), as_it_is, dy);
        for (int64_t i = 0; i < runs.phases * groups; ++i) {
          const float* from = x + 1 + i % groups * at_once;
          float* to = sums + i * 3 * at_once * kLanes;
          if (at_once == kMostOffsets) {
            add_image<kMostOffsets>(runs, from, dy, i / groups, to);
          } else {
            add_image<kMostOffsets - 1>(runs, from, dy, i / groups, to);
          }
        }
      }
    }
  }

  // Every lane of the sums is a part of the weight that it multiplied, or of none.
  static void add_chunks(const WeightsGradient& job, const WeightsGradientPlan& plan, const float* chunks,
                         int64_t begin, int64_t end) {
    const Runs runs(job.shape);
    const int64_t at_once = RowsGradient::at_once(runs), groups = divide_up(runs.offsets, at_once);
    for (int64_t output = begin; output < end; ++output) {
      for (int64_t i = 0; i < 9 * runs.channels; ++i) job.dw[place_of(job.strides, output, i / 9, i % 9)] = 0;
    }
    for (int64_t i = 0; i < plan.chunk_floats; i += kLanes) {
      const int64_t vector = i / kLanes, group = vector / (3 * at_once), row = vector / at_once % 3;
      const int64_t offset = group % groups * at_once + vector % at_once;
      Lanes sum = load(chunks + i);
      for (int64_t chunk = 1; chunk < plan.chunks; ++chunk) sum += load(chunks + chunk * plan.chunk_floats + i);
      for (int64_t lane = 0; lane < kLanes; ++lane) {
        const int64_t output = runs.channel(group / groups, lane);
        const int64_t read = offset + output + 1 - runs.channels;  // column of the kernel, and input
        if (output < begin || output >= end || read < 0 || read >= 3 * runs.channels) continue;
        const int64_t tap = row * 3 + read / runs.channels;
        job.dw[place_of(job.strides, output, read % runs.channels, tap)] += sum[lane];
      }
    }
  }
};

constexpr CpuConvolveKernels kRowKernels = {
    RowsProduct::plan,  RowsProduct::lay_out_weights, RowsProduct::multiply_images,
    RowsGradient::plan, RowsGradient::sum_chunks,     RowsGradient::add_chunks,
};

}  // namespace
}  // namespace optdnn::kernels
