// The products at the points of Winograd's algorithm: small matrices in registers, over blocks laid out as
//   V[position][vector of channels][tile][lane],
// so that neighbouring tiles are one vector apart whatever the number of channels.
#pragma once

#include <type_traits>

#include "optdnn/kernels/lanes.h"

namespace optdnn::kernels {
namespace {

template <int n>
using Number = std::integral_constant<int, n>;

// M[tile][kVectors vectors] = sum_c V[tile][c] U[c][kVectors vectors] for kTiles tiles. Vectors of V and of M are
// `vectors_apart` numbers apart. M may be V: all is read before anything is stored.
template <int kTiles, int kVectors>
__attribute__((noinline)) void product(const float* V, const float* U, int64_t channels, float* M,
                                       int64_t vectors_apart) {
  Lanes sums[kTiles][kVectors] = {};
  const auto add = [&](int lane) __attribute__((always_inline)) {
    Lanes u[kVectors];
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) u[j] = load(U + (lane * kVectors + j) * kLanes);
#pragma GCC unroll 24
    for (int i = 0; i < kTiles; ++i) {
      const float v = V[i * kLanes + lane];  // number * vector is a plain broadcast
#pragma GCC unroll 4
      for (int j = 0; j < kVectors; ++j) sums[i][j] += v * u[j];
    }
  };
  for (; channels >= kLanes; channels -= kLanes, V += vectors_apart, U += kLanes * kVectors * kLanes) {
#pragma GCC unroll 16
    for (int lane = 0; lane < kLanes; ++lane) add(lane);
  }
  for (int lane = 0; lane < channels; ++lane) add(lane);
#pragma GCC unroll 24
  for (int i = 0; i < kTiles; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kVectors; ++j) store(M + j * vectors_apart + i * kLanes, sums[i][j]);
  }
}

// D[kRows][kVectors vectors] (+)= sum_t Z[t][kRows] V[t][kVectors vectors]. A block is summed by itself and then added,
// so that the rounding error grows with the number of blocks and not of tiles.
template <int kRows, int kVectors>
__attribute__((noinline)) void outer_product(const float* Z, const float* V, int64_t vectors_apart, int64_t tiles,
                                             float* D, int64_t row, bool first) {
  Lanes sums[kRows][kVectors] = {};
  for (int64_t t = 0; t < tiles; ++t, Z += kLanes, V += kLanes) {
    Lanes v[kVectors];
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) v[j] = load(V + j * vectors_apart);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const float z = Z[i];
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; ++j) sums[i][j] += z * v[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; ++j) {
      float* to = D + i * row + j * kLanes;
      store(to, first ? sums[i][j] : load(to) + sums[i][j]);
    }
  }
}

// Output vectors are taken in panels of at most four: how many the next one has of those left.
constexpr int64_t panel(int64_t left) { return left <= 4 ? left : left <= 6 ? 3 : 4; }

// Tiles come in multiples of this; every product's tiles divide it.
constexpr int64_t kTileUnit = kAccumulators;

// The products of one position for `tiles` tiles, a multiple of kTileUnit, with all `vectors` output vectors.
OPTDNN_INLINE void multiply_position(const float* V, const float* U, int64_t channels, float* M, int64_t vectors,
                                     int64_t tiles, int64_t vectors_apart) {
  for (int64_t first = 0; first < vectors;) {
    const int64_t taken = panel(vectors - first);
    const float* panel_U = U + first * kLanes * channels;
    float* panel_M = M + first * vectors_apart;
    const auto run = [&](auto tiles_at_once, auto vectors_at_once) __attribute__((always_inline)) {
      for (int64_t t = 0; t < tiles; t += tiles_at_once)
        product<tiles_at_once, vectors_at_once>(V + t * kLanes, panel_U, channels, panel_M + t * kLanes, vectors_apart);
    };
    switch (taken) {
      case 1:
        run(Number<kAccumulators>{}, Number<1>{});
        break;
      case 2:
        run(Number<kAccumulators / 2>{}, Number<2>{});
        break;
      case 3:
        run(Number<kAccumulators / 3>{}, Number<3>{});
        break;
      default:
        run(Number<kAccumulators / 4>{}, Number<4>{});
    }
    first += taken;
  }
}

// The weights' gradient at one position: D[outputs][inputs] (+)= Z^T V, both counts whole vectors.
OPTDNN_INLINE void add_position(const float* Z, int64_t output_vectors, const float* V, int64_t input_vectors,
                                int64_t tiles, int64_t vectors_apart, float* D, bool first) {
  const int64_t row = input_vectors * kLanes;
  for (int64_t f = 0; f < input_vectors;) {
    const auto run = [&](auto rows, auto vectors) __attribute__((always_inline)) {
      for (int64_t k = 0; k < output_vectors * kLanes; k += rows) {
        outer_product<rows, vectors>(Z + k / kLanes * vectors_apart + k % kLanes, V + f * vectors_apart, vectors_apart,
                                     tiles, D + k * row + f * kLanes, row, first);
      }
      f += vectors;
    };
    if (input_vectors - f >= 2) {
      run(Number < kLanes == 16 ? 8 : 4 > {}, Number<2>{});
    } else {
      run(Number<8>{}, Number<1>{});
    }
  }
}

}  // namespace
}  // namespace optdnn::kernels
