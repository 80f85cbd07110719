// The transforms of one tile of an image and as many channels as a vector has lanes, over memory whose channels lie
// innermost. A transformed tile has kPoints x kPoints positions, `position` numbers apart.
#pragma once

#include "optdnn/kernels/winograd_transforms.h"

// Of a whole tile: not inlined, as its addresses and vectors then have the registers for themselves.
#define OPTDNN_TILE __attribute__((noinline))

namespace optdnn::kernels {
namespace {

// The second pass of a transform to the points: rows h kHalfPoints, ... of a tile, from what the first left of them.
template <class Tile, int h, bool kOfInput, int kRead>
OPTDNN_INLINE void store_half(const Lanes (&half)[Tile::kHalfPoints][kRead], float* out, int64_t position) {
#pragma GCC unroll 3
  for (int i = 0; i < Tile::kHalfPoints; ++i) {
    Lanes row[Tile::kPoints];
    if constexpr (kOfInput) {
      Tile::template input<0>(half[i], row);
      Tile::template input<1>(half[i], row + Tile::kHalfPoints);
    } else {
      Tile::template gradient<0>(half[i], row);
      Tile::template gradient<1>(half[i], row + Tile::kHalfPoints);
    }
#pragma GCC unroll 6
    for (int j = 0; j < Tile::kPoints; ++j)
      store(out + ((h * Tile::kHalfPoints + i) * Tile::kPoints + j) * position, row[j]);
  }
}

// What a pixel of row `row` of a tile is read as: itself, or relu(scale x + shift), with a shift for each row or, where
// all lie inside the image, one for all.
struct AsItIs {
  OPTDNN_INLINE Lanes operator()(int /*row*/, Lanes x) const { return x; }
};
template <int kShifts>
struct Normed {
  Lanes scale, shift[kShifts];
  OPTDNN_INLINE Lanes operator()(int row, Lanes x) const { return relu(x * scale + shift[kShifts == 1 ? 0 : row]); }
};

// The columns of a tile that lie inside the image: fixed ones, so that no column is asked for, or any.
template <int kBegin, int kEnd>
struct FixedColumns {
  static constexpr bool has(int j) { return j >= kBegin && j < kEnd; }
};
struct SomeColumns {
  int64_t begin, end;
  OPTDNN_INLINE bool has(int j) const { return j >= begin && j < end; }
};

// Half of B^T d B. rows[r] is the tile's row r at its column 0, a row of zeros where it lies outside the image.
template <class Tile, bool kWhole, int h, class Columns, class As>
OPTDNN_INLINE void input_half(const float* const* rows, const Columns& columns, int64_t pixel, int lanes, const As& as,
                              float* out, int64_t position) {
  Lanes half[Tile::kHalfPoints][Tile::kPoints];
#pragma GCC unroll 6
  for (int j = 0; j < Tile::kPoints; ++j) {
    Lanes d[Tile::kPoints], found[Tile::kHalfPoints] = {};
    if (columns.has(j)) {
#pragma GCC unroll 6
      for (int i = 0; i < Tile::kPoints - 1; ++i)
        d[h + i] = as(h + i, load_first<kWhole>(rows[h + i] + j * pixel, lanes));
      Tile::template input<h>(d, found);
    }
#pragma GCC unroll 3
    for (int i = 0; i < Tile::kHalfPoints; ++i) half[i][j] = found[i];
  }
  store_half<Tile, h, true>(half, out, position);
}

template <class Tile, bool kWhole, class Columns, class As>
OPTDNN_TILE void input_tile(const float* const* rows, Columns columns, int64_t pixel, int lanes, const As& as,
                            float* out, int64_t position) {
  input_half<Tile, kWhole, 0>(rows, columns, pixel, lanes, as, out, position);
  input_half<Tile, kWhole, 1>(rows, columns, pixel, lanes, as, out, position);
}

// Half of A dy A^T, of a tile of the output's gradient.
template <class Tile, bool kWhole, int h, class Columns>
OPTDNN_INLINE void gradient_half(const float* const* rows, const Columns& columns, int64_t pixel, int lanes, float* out,
                                 int64_t position) {
  Lanes half[Tile::kHalfPoints][Tile::kOutputs];
#pragma GCC unroll 4
  for (int j = 0; j < Tile::kOutputs; ++j) {
    Lanes dy[Tile::kOutputs], found[Tile::kHalfPoints] = {};
    if (columns.has(j)) {
#pragma GCC unroll 4
      for (int r = 0; r < Tile::kOutputs; ++r) dy[r] = load_first<kWhole>(rows[r] + j * pixel, lanes);
      Tile::template gradient<h>(dy, found);
    }
#pragma GCC unroll 3
    for (int i = 0; i < Tile::kHalfPoints; ++i) half[i][j] = found[i];
  }
  store_half<Tile, h, false>(half, out, position);
}

template <class Tile, bool kWhole, class Columns>
OPTDNN_TILE void gradient_tile(const float* const* rows, Columns columns, int64_t pixel, int lanes, float* out,
                               int64_t position) {
  gradient_half<Tile, kWhole, 0>(rows, columns, pixel, lanes, out, position);
  gradient_half<Tile, kWhole, 1>(rows, columns, pixel, lanes, out, position);
}

// What becomes of an output `offset` numbers behind the tile's first: written as it is;
struct Written {
  OPTDNN_INLINE Lanes operator()(Lanes y, int64_t /*offset*/) const { return y; }
};
// ... and its moments added up, about a number near the mean;
struct Measured {
  Lanes about, sum, squares;
  OPTDNN_INLINE Lanes operator()(Lanes y, int64_t /*offset*/) {
    const Lanes d = y - about;
    sum += d;
    squares += d * d;
    return y;
  }
};
// ... or, where it is the gradient of relu(z), z = scale x + shift: zero where z is not positive, and added up with its
// products with x - mean.
template <bool kWhole>
struct Masked {
  const float* x;
  int lanes;
  Lanes scale, shift, mean, sum, products;
  OPTDNN_INLINE Lanes operator()(Lanes dy, int64_t offset) {
    const Lanes at = load_first<kWhole>(x + offset, lanes);
    const Lanes dz = at * scale + shift > 0 ? dy : Lanes{};
    sum += dz;
    products += dz * (at - mean);
    return dz;
  }
};

// Half of A^T q A, what `with` makes of it written to `out`, the tile's first pixel, as far as rows and columns lie
// inside the image.
template <class Tile, bool kWhole, int h, class Inside, class With>
OPTDNN_INLINE void output_half(const float* q, int64_t position, float* out, int64_t row, int64_t pixel,
                               const Inside& rows, const Inside& columns, int lanes, With& with) {
  constexpr int kHalf = Tile::kHalfOutputs;
  Lanes half[kHalf][Tile::kPoints];
#pragma GCC unroll 6
  for (int j = 0; j < Tile::kPoints; ++j) {
    Lanes column[Tile::kPoints], found[kHalf];
#pragma GCC unroll 6
    for (int i = 0; i < Tile::kPoints - 1; ++i) column[h + i] = load(q + ((h + i) * Tile::kPoints + j) * position);
    Tile::template output<h>(column, found);
#pragma GCC unroll 2
    for (int i = 0; i < kHalf; ++i) half[i][j] = found[i];
  }
#pragma GCC unroll 2
  for (int i = 0; i < kHalf; ++i) {
    const int y = Tile::output_row(h, i);
    if (!rows.has(y)) continue;
    Lanes found[2][kHalf];
    Tile::template output<0>(half[i], found[0]);
    Tile::template output<1>(half[i], found[1]);
#pragma GCC unroll 2
    for (int j = 0; j < kHalf; ++j) {
#pragma GCC unroll 2
      for (int k = 0; k < 2; ++k) {
        const int x = Tile::output_row(k, j);
        const int64_t offset = y * row + x * pixel;
        if (columns.has(x)) store_first<kWhole>(out + offset, with(found[k][j], offset), lanes);
      }
    }
  }
}

template <class Tile, bool kWhole, class Inside, class With>
OPTDNN_TILE void output_tile(const float* q, int64_t position, float* out, int64_t row, int64_t pixel, Inside rows,
                             Inside columns, int lanes, With& with) {
  With own = with;
  output_half<Tile, kWhole, 0>(q, position, out, row, pixel, rows, columns, lanes, own);
  output_half<Tile, kWhole, 1>(q, position, out, row, pixel, rows, columns, lanes, own);
  with = own;
}

// The first output of a tile, up to rounding: its row of A^T is all ones but for infinity.
template <class Tile>
OPTDNN_INLINE Lanes first_output(const float* q, int64_t position) {
  Lanes sum = {};
  for (int i = 0; i < Tile::kPoints - 1; ++i) {
    for (int j = 0; j < Tile::kPoints - 1; ++j) sum += load(q + (i * Tile::kPoints + j) * position);
  }
  return sum;
}

// G g G^T of the nine taps g, each a vector, to positions `position` apart.
template <class Tile>
OPTDNN_INLINE void filter_tile(const Lanes (&taps)[9], float* out, int64_t position) {
  Lanes half[Tile::kPoints][3];
#pragma GCC unroll 3
  for (int s = 0; s < 3; ++s) {
    const Lanes column[3] = {taps[s], taps[3 + s], taps[6 + s]};
    Lanes found[Tile::kPoints];
    Tile::filter(column, found);
#pragma GCC unroll 6
    for (int r = 0; r < Tile::kPoints; ++r) half[r][s] = found[r];
  }
#pragma GCC unroll 6
  for (int r = 0; r < Tile::kPoints; ++r) {
    Lanes found[Tile::kPoints];
    Tile::filter(half[r], found);
#pragma GCC unroll 6
    for (int s = 0; s < Tile::kPoints; ++s) store(out + (r * Tile::kPoints + s) * position, found[s]);
  }
}

// G^T u G: the nine taps of a gradient at the points, taps `tap` apart.
template <class Tile>
OPTDNN_INLINE void filter_gradient_tile(const float* u, int64_t position, float* out, int64_t tap) {
  Lanes half[3][Tile::kPoints];
#pragma GCC unroll 6
  for (int j = 0; j < Tile::kPoints; ++j) {
    Lanes column[Tile::kPoints], found[3];
#pragma GCC unroll 6
    for (int r = 0; r < Tile::kPoints; ++r) column[r] = load(u + (r * Tile::kPoints + j) * position);
    Tile::filter_gradient(column, found);
#pragma GCC unroll 3
    for (int r = 0; r < 3; ++r) half[r][j] = found[r];
  }
#pragma GCC unroll 3
  for (int r = 0; r < 3; ++r) {
    Lanes found[3];
    Tile::filter_gradient(half[r], found);
#pragma GCC unroll 3
    for (int s = 0; s < 3; ++s) store(out + (r * 3 + s) * tap, found[s]);
  }
}

}  // namespace
}  // namespace optdnn::kernels
