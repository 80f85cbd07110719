// Winograd's algorithm block by block: the transforms of a block's tiles, the products at the points and the transform
// back follow each other while the block is in the cache. Included by the file of each kind of processor, which is
// compiled for it.
#pragma once

#include "optdnn/kernels/cpu_convolve_kernels.h"
#include "optdnn/kernels/winograd_products.h"
#include "optdnn/kernels/winograd_tiles.h"

namespace optdnn::kernels {
namespace {

constexpr int64_t vectors_of(int64_t channels) { return divide_up(channels, kLanes); }

// The tiles of all images, row by row.
template <class Tile>
struct Grid {
  explicit Grid(const ConvolutionShape& shape)
      : height(shape.height),
        width(shape.width),
        high(divide_up(shape.height, Tile::kOutputs)),
        wide(divide_up(shape.width, Tile::kOutputs)),
        tiles(shape.images * high * wide) {}

  // The rows of pixels, contiguous, that tiles [begin, end) cover.
  Ahead rows_of(const float* x, int64_t channels, int64_t begin, int64_t end) const {
    if (end <= begin) return {};
    const auto pixel_row = [&](int64_t tile_row) {
      return tile_row / high * height + least(height, tile_row % high * Tile::kOutputs);
    };
    const int64_t from = pixel_row(begin / wide), to = pixel_row(divide_up(end, wide));
    return {x + from * width * channels, (to - from) * width * channels * static_cast<int64_t>(sizeof(float))};
  }

  // Calls each(tile's number from `begin`, image, first row, first column) for the tiles [begin, end).
  template <class Each>
  OPTDNN_INLINE void for_each(int64_t begin, int64_t end, Each each) const {
    int64_t x = begin % wide, y = begin / wide % high, image = begin / (wide * high);
    for (int64_t t = 0; t < end - begin; ++t) {
      each(t, image, y * Tile::kOutputs, x * Tile::kOutputs);
      if (++x < wide) continue;
      x = 0;
      if (++y < high) continue;
      y = 0, ++image;
    }
  }

  int64_t height, width, high, wide, tiles;
};

// Calls each(vector, its lanes) for the vectors of the channels; each(..., std::true_type) where the vector is whole.
template <class Each>
OPTDNN_INLINE void for_each_vector(int64_t channels, Each each) {
  const int64_t whole = channels / kLanes;
  for (int64_t i = 0; i < whole; ++i) each(i, kLanes, std::true_type());
  if (channels % kLanes != 0) each(whole, static_cast<int>(channels % kLanes), std::false_type());
}

// Zeros of the scratch in the place of pixel rows outside the image.
template <class Tile>
constexpr int64_t zero_row_floats(int64_t channels) {
  return Tile::kPoints * channels + kLanes;
}

// run(columns inside) for the tile of an input that begins left of `column`: fixed ones where channels fill vectors and
// the tile's outputs are all inside.
template <class Tile, bool kWhole, class Run>
OPTDNN_INLINE void columns_of_input(int64_t column, int64_t width, Run run) {
  constexpr int kAll = Tile::kPoints;
  const bool left = column == 0;
  const int64_t end = least(kAll, width - column + 1);
  if (!kWhole || end < kAll - 1) return run(SomeColumns{left ? 1 : 0, end});
  if (end == kAll) return left ? run(FixedColumns<1, kAll>()) : run(FixedColumns<0, kAll>());
  left ? run(FixedColumns<1, kAll - 1>()) : run(FixedColumns<0, kAll - 1>());
}

// Tiles [begin, end) of x_BHWC, or where kNormed of relu(norm(x)), to V; those up to a multiple of kTileUnit, which are
// multiplied too, become zero.
template <class Tile, bool kNormed>
OPTDNN_INLINE void transform_input(const Grid<Tile>& grid, const float* x, const ConvolutionNorm& norm,
                                   int64_t channels, int64_t begin, int64_t end, int64_t block, float* V,
                                   int64_t position, const float* zeros) {
  grid.for_each(
      begin, end, [&](int64_t t, int64_t image, int64_t row, int64_t column) __attribute__((always_inline)) {
        const float* rows[Tile::kPoints];
        const auto is_inside = [&](int r) { return row - 1 + r >= 0 && row - 1 + r < grid.height; };
        const float* from = x + ((image * grid.height + row - 1) * grid.width + column - 1) * channels;
        for (int r = 0; r < Tile::kPoints; ++r, from += grid.width * channels) rows[r] = is_inside(r) ? from : zeros;
        const bool rows_inside = is_inside(0) && is_inside(Tile::kPoints - 1);
        for_each_vector(
            channels, [&](int64_t vector, int lanes, auto whole) __attribute__((always_inline)) {
              float* out = V + (vector * block + t) * kLanes;
              const auto run = [&](const auto& as) __attribute__((always_inline)) {
                columns_of_input<Tile, whole>(
                    column, grid.width, [&](auto columns) __attribute__((always_inline)) {
                      input_tile<Tile, whole>(rows, columns, channels, lanes, as, out, position);
                    });
              };
              if constexpr (kNormed) {
                const Lanes scale = load(norm.scale + vector * kLanes), shift = load(norm.shift + vector * kLanes);
                if (whole && rows_inside) {
                  run(Normed<1>{scale, {shift}});
                } else {  // the zeros outside stay zero
                  Normed<Tile::kPoints> as{scale, {}};
                  for (int r = 0; r < Tile::kPoints; ++r) as.shift[r] = is_inside(r) ? shift : Lanes{};
                  run(as);
                }
              } else {
                run(AsItIs());
              }
              for (int r = 0; r < Tile::kPoints; ++r) rows[r] += kLanes;
            });
      });
  const int64_t tiles = end - begin, multiplied = divide_up(tiles, kTileUnit) * kTileUnit;
  for (int64_t p = 0; p < Tile::kPoints * Tile::kPoints; ++p) {
    for (int64_t vector = 0; vector < vectors_of(channels); ++vector) {
      float* out = V + p * position + vector * block * kLanes;
      for (int64_t t = tiles; t < multiplied; ++t) store(out + t * kLanes, Lanes{});
    }
  }
}

// Tiles [begin, end) of dy_BHWK to Z.
template <class Tile>
OPTDNN_INLINE void transform_gradient(const Grid<Tile>& grid, const float* dy, int64_t channels, int64_t begin,
                                      int64_t end, int64_t block, float* Z, int64_t position, const float* zeros) {
  grid.for_each(
      begin, end, [&](int64_t t, int64_t image, int64_t row, int64_t column) __attribute__((always_inline)) {
        const float* rows[Tile::kOutputs];
        const float* from = dy + ((image * grid.height + row) * grid.width + column) * channels;
        for (int r = 0; r < Tile::kOutputs; ++r, from += grid.width * channels) {
          rows[r] = row + r < grid.height ? from : zeros;
        }
        for_each_vector(
            channels, [&](int64_t vector, int lanes, auto whole) __attribute__((always_inline)) {
              float* out = Z + (vector * block + t) * kLanes;
              const int64_t inside = grid.width - column;
              if (whole && inside >= Tile::kOutputs) {
                gradient_tile<Tile, true>(rows, FixedColumns<0, Tile::kOutputs>(), channels, lanes, out, position);
              } else {
                gradient_tile<Tile, whole>(rows, SomeColumns{0, inside}, channels, lanes, out, position);
              }
              for (int r = 0; r < Tile::kOutputs; ++r) rows[r] += kLanes;
            });
      });
}

// M to tiles [begin, end) of y_BHWK, with the sums that are wanted of each kTileUnit tiles, at whose multiples begin
// lies.
template <class Tile, ConvolutionSums kSums>
OPTDNN_INLINE void transform_output(const Grid<Tile>& grid, const float* M, int64_t position,
                                    const ConvolutionProduct& job, int64_t begin, int64_t end, int64_t block,
                                    float* sums) {
  const int64_t channels = job.shape.outputs;
  grid.for_each(
      begin, end, [&](int64_t t, int64_t image, int64_t row, int64_t column) __attribute__((always_inline)) {
        const int64_t pixel = ((image * grid.height + row) * grid.width + column) * channels;
        const int64_t rows_inside = grid.height - row, columns_inside = grid.width - column;
        const bool first = t % kTileUnit == 0;
        float* unit = sums + (begin + t) / kTileUnit * vectors_of(channels) * kSumsOfUnit * kLanes;
        for_each_vector(
            channels, [&](int64_t vector, int lanes, auto whole) __attribute__((always_inline)) {
              const float* q = M + (vector * block + t) * kLanes;
              const auto run = [&](auto& with) __attribute__((always_inline)) {
                float* out = job.y + pixel + vector * kLanes;
                if (whole && least(rows_inside, columns_inside) >= Tile::kOutputs) {
                  constexpr FixedColumns<0, Tile::kOutputs> all;
                  output_tile<Tile, true>(q, position, out, grid.width * channels, channels, all, all, lanes, with);
                } else {
                  output_tile<Tile, whole>(q, position, out, grid.width * channels, channels,
                                           SomeColumns{0, rows_inside}, SomeColumns{0, columns_inside}, lanes, with);
                }
              };
              float* of_unit = unit + vector * kSumsOfUnit * kLanes;
              const auto so_far = [&](int i) { return first ? Lanes{} : load(of_unit + i * kLanes); };
              if constexpr (kSums == ConvolutionSums::none) {
                Written with;
                run(with);
              } else if constexpr (kSums == ConvolutionSums::moments) {
                Measured with{first ? first_output<Tile>(q, position) : load(of_unit + 2 * kLanes), so_far(0),
                              so_far(1)};
                run(with);
                const int64_t count = least(rows_inside, Tile::kOutputs) * least(columns_inside, Tile::kOutputs);
                store(of_unit, with.sum);
                store(of_unit + kLanes, with.squares);
                store(of_unit + 2 * kLanes, with.about);
                store(of_unit + 3 * kLanes, so_far(3) + static_cast<float>(count));
              } else {
                const auto of = [&](const float* numbers) { return load(numbers + vector * kLanes); };
                const ConvolutionNorm& norm = job.of_y;
                Masked<whole> with{job.x_of_y + pixel + vector * kLanes,
                                   lanes,
                                   of(norm.scale),
                                   of(norm.shift),
                                   of(norm.mean),
                                   so_far(0),
                                   so_far(1)};
                run(with);
                store(of_unit, with.sum);
                store(of_unit + kLanes, with.products);
              }
            });
      });
}

}  // namespace
}  // namespace optdnn::kernels
