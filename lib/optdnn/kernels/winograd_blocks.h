// Winograd's algorithm block by block: the transforms of a block's tiles, the products at the points and the transform
// back follow each other while the block is in the cache. Included by the file of each kind of processor, which is
// compiled for it.
#pragma once

#include "optdnn/kernels/winograd_kernels.h"
#include "optdnn/kernels/winograd_products.h"
#include "optdnn/kernels/winograd_tiles.h"

namespace optdnn::kernels {
namespace {

constexpr int64_t vectors_of(int64_t channels) { return divide_up(channels, kLanes); }

// The tiles of all images, row by row.
template <class Tile>
struct Grid {
  explicit Grid(const WinogradShape& shape)
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

// Tiles [begin, end) of x_BHWC to V; those up to a multiple of kTileUnit, which are multiplied too, become zero.
template <class Tile>
OPTDNN_INLINE void transform_input(const Grid<Tile>& grid, const float* x, int64_t channels, int64_t begin, int64_t end,
                                   int64_t block, float* V, int64_t position, const float* zeros) {
  grid.for_each(
      begin, end, [&](int64_t t, int64_t image, int64_t row, int64_t column) __attribute__((always_inline)) {
        const float* rows[Tile::kPoints];
        for (int r = 0; r < Tile::kPoints; ++r) {
          const int64_t y = row - 1 + r;
          rows[r] =
              y >= 0 && y < grid.height ? x + ((image * grid.height + y) * grid.width + column - 1) * channels : zeros;
        }
        const int64_t first = column == 0 ? 1 : 0, last = least(Tile::kPoints, grid.width - column + 1);
        const bool inside = first == 0 && last == Tile::kPoints;
        for_each_vector(
            channels, [&](int64_t vector, int lanes, auto whole) __attribute__((always_inline)) {
              float* out = V + (vector * block + t) * kLanes;
              if (whole && inside) {
                input_tile<Tile, true, true>(rows, first, last, channels, lanes, out, position);
              } else {
                input_tile<Tile, whole, false>(rows, first, last, channels, lanes, out, position);
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
        for (int r = 0; r < Tile::kOutputs; ++r) {
          const int64_t y = row + r;
          rows[r] = y < grid.height ? dy + ((image * grid.height + y) * grid.width + column) * channels : zeros;
        }
        for_each_vector(
            channels, [&](int64_t vector, int lanes, auto whole) __attribute__((always_inline)) {
              gradient_tile<Tile, whole>(rows, grid.width - column, channels, lanes, Z + (vector * block + t) * kLanes,
                                         position);
              for (int r = 0; r < Tile::kOutputs; ++r) rows[r] += kLanes;
            });
      });
}

// M to tiles [begin, end) of y_BHWK.
template <class Tile>
OPTDNN_INLINE void transform_output(const Grid<Tile>& grid, const float* M, int64_t position, int64_t channels,
                                    int64_t begin, int64_t end, int64_t block, float* y) {
  grid.for_each(
      begin, end, [&](int64_t t, int64_t image, int64_t row, int64_t column) __attribute__((always_inline)) {
        float* out = y + ((image * grid.height + row) * grid.width + column) * channels;
        for_each_vector(
            channels, [&](int64_t vector, int lanes, auto whole) __attribute__((always_inline)) {
              output_tile<Tile, whole>(M + (vector * block + t) * kLanes, position, out + vector * kLanes,
                                       grid.width * channels, channels, grid.height - row, grid.width - column, lanes);
            });
      });
}

}  // namespace
}  // namespace optdnn::kernels
