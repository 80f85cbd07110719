// Depthwise convolutions of kSide x kSide pixels in 16 bits: y[p] = b + sum over taps t of w[t] x[p + t], each channel
// by itself. A block takes a tile of pixels and 32 channels of them after the other; of its tile a thread takes two
// rows of seven pixels and two channels, so that a number that is read from shared memory serves up to fourteen sums.
// Sums are float.
#pragma once

#include "optdnn/kernels/gpu/depthwise.h"
#include "optdnn/kernels/gpu/partial.cuh"

namespace optdnn::kernels::gpu {

constexpr int kWide = 8, kWides = kDepthwiseChannels / kWide;  // channels, 16 bytes, that are read as one

// The image, and where in it the tile begins.
struct DepthwiseTile {
  int image, row, column;
};

// A thread's part of a block: two channels, and seven columns and two rows of the tile.
struct Strip {
  DEVICE Strip()
      : lane(thread() % 32), pair(lane % 16 * 2), column(lane / 16 * kStripColumns), row(thread() / 32 * kStripRows) {}
  int lane, pair, column, row;
};

// The part's channels of a square of kSquare pixels around a tile, on their way into shared memory. What is not there
// is zero.
template <class Number, int kSquare>
DEVICE void begin_square(const void* from, const DepthwiseTile& tile, int border, int height, int width, int channels,
                         Number* to) {
  const int first = part() * kDepthwiseChannels;
  for (int i = thread(); i < kSquare * kSquare * kWides; i += kDepthwiseThreads) {
    const int pixel = i / kWides, channel = first + i % kWides * kWide;
    const int row = tile.row - border + pixel / kSquare, column = tile.column - border + pixel % kSquare;
    const bool is_there = row >= 0 && row < height && column >= 0 && column < width && channel < channels;
    const long long at = ((static_cast<long long>(tile.image) * height + row) * width + column) * channels + channel;
    begin_copy(to + i * kWide, static_cast<const Number*>(from) + (is_there ? at : 0), is_there);
  }
}

// Calls take(tile, which of two rooms it is in) for the block's tiles, while begin(tile, room) has brought the next on
// its way.
template <class Begin, class Take>
DEVICE void for_each_tile(int images, int height, int width, Begin begin, Take take) {
  const int across = divided_up(width, kDepthwiseTile), down = divided_up(height, kDepthwiseTile);
  const auto tile_of = [&](int number) {
    return DepthwiseTile{number / across / down, number / across % down * kDepthwiseTile,
                         number % across * kDepthwiseTile};
  };
  const int tiles = images * across * down;
  int room = 0;
  if (block() < tiles) begin(tile_of(block()), room);
  for (int number = block(); number < tiles; number += blocks()) {
    wait_for_copies();
    sync();  // the other room has been taken too
    if (number + blocks() < tiles) begin(tile_of(number + blocks()), 1 - room);
    take(tile_of(number), room);
    room = 1 - room;
  }
}

template <class Number, int kCount>
DEVICE void read_line(const Number* pixel, float (&to)[kCount][2]) {
  UNROLLED
  for (int i = 0; i < kCount; ++i) read(pixel + i * kDepthwiseChannels, to[i]);
}

template <class Number, int kSide>
KERNEL_OF(224, 2) depthwise(const Depthwise a) {
  begin_kernel();
  constexpr int kWeights = kSide * kSide, kAround = depthwise_halo(kSide), kLine = kStripColumns + kSide - 1;
  constexpr int kRoom = kAround * kAround * kDepthwiseChannels;
  float* weights = shared_memory();
  auto* pixels = reinterpret_cast<Number*>(weights + kWeights * kDepthwiseChannels);
  const int first = part() * kDepthwiseChannels;
  for (int i = thread(); i < kWeights * kDepthwiseChannels; i += kDepthwiseThreads) {
    const int channel = first + i % kDepthwiseChannels, tap = i / kDepthwiseChannels;
    const auto* of = static_cast<const Number*>(a.weights) + channel * kWeights;
    weights[i] = channel < a.channels ? widen(of[a.mirrored ? kWeights - 1 - tap : tap]) : 0.0f;
  }
  const Strip strip;
  const bool active = first + strip.pair < a.channels;
  float bias[2] = {};
  if (a.bias && active) read(static_cast<const Number*>(a.bias) + first + strip.pair, bias);

  const auto begin = [&](const DepthwiseTile& tile, int room) {
    begin_square<Number, kAround>(a.x, tile, kSide / 2, a.height, a.width, a.channels, pixels + room * kRoom);
  };
  for_each_tile(a.images, a.height, a.width, begin, [&](const DepthwiseTile& tile, int room) {
    if (!active || tile.row + strip.row >= a.height) return;
    float sums[kStripRows][kStripColumns][2];
    UNROLLED
    for (int i = 0; i < kStripRows * kStripColumns; ++i) {
      sums[i / kStripColumns][i % kStripColumns][0] = bias[0];
      sums[i / kStripColumns][i % kStripColumns][1] = bias[1];
    }
    for (int r = 0; r < kSide + kStripRows - 1; ++r) {
      float line[kLine][2];
      const int pixel = (strip.row + r) * kAround + strip.column;
      read_line(pixels + room * kRoom + pixel * kDepthwiseChannels + strip.pair, line);
      UNROLLED
      for (int row = 0; row < kStripRows; ++row) {
        if (r < row || r - row >= kSide) continue;
        UNROLLED
        for (int k = 0; k < kSide; ++k) {
          float weight[2];
          read(weights + ((r - row) * kSide + k) * kDepthwiseChannels + strip.pair, weight);
          UNROLLED
          for (int i = 0; i < kStripColumns; ++i) {
            sums[row][i][0] += weight[0] * line[i + k][0];
            sums[row][i][1] += weight[1] * line[i + k][1];
          }
        }
      }
    }
    UNROLLED
    for (int i = 0; i < kStripRows * kStripColumns; ++i) {
      const int row = tile.row + strip.row + i / kStripColumns, column = tile.column + strip.column + i % kStripColumns;
      if (row >= a.height || column >= a.width) continue;
      const long long at = ((static_cast<long long>(tile.image) * a.height + row) * a.width + column) * a.channels;
      write(sums[i / kStripColumns][i % kStripColumns], static_cast<Number*>(a.y) + at + first + strip.pair);
    }
  });
}

// A warp has a row of the weights, and the bias is the first one's.
template <class Number, int kSide>
KERNEL_OF(224, 2) depthwise_weights(const DepthwiseWeights a) {
  begin_kernel();
  constexpr int kAround = depthwise_halo(kSide), kLine = kStripColumns + kSide - 1;
  constexpr int kOfX = kAround * kAround * kDepthwiseChannels,
                kRoom = kOfX + kDepthwiseTile * kDepthwiseTile * kDepthwiseChannels;
  auto* pixels = reinterpret_cast<Number*>(shared_memory());
  const Strip strip;
  const int of_weights = thread() / 32;
  float sums[kSide][2] = {}, of_bias[2] = {};
  const auto begin = [&](const DepthwiseTile& tile, int room) {
    Number* to = pixels + room * kRoom;
    begin_square<Number, kAround>(a.x, tile, kSide / 2, a.height, a.width, a.channels, to);
    begin_square<Number, kDepthwiseTile>(a.dy, tile, 0, a.height, a.width, a.channels, to + kOfX);
  };
  for_each_tile(a.images, a.height, a.width, begin, [&](const DepthwiseTile& tile, int room) {
    if (of_weights >= kSide) return;
    const Number *x = pixels + room * kRoom + strip.pair, *gradients = x + kOfX;
    const int rows = a.height - tile.row < kDepthwiseTile ? a.height - tile.row : kDepthwiseTile;
    for (int row = 0; row < rows; ++row) {
      float dy[kStripColumns][2], line[kLine][2];
      read_line(gradients + (row * kDepthwiseTile + strip.column) * kDepthwiseChannels, dy);
      read_line(x + ((row + of_weights) * kAround + strip.column) * kDepthwiseChannels, line);
      UNROLLED
      for (int i = 0; i < kStripColumns; ++i) {
        UNROLLED
        for (int c = 0; c < 2; ++c) {
          UNROLLED
          for (int k = 0; k < kSide; ++k) sums[k][c] += dy[i][c] * line[i + k][c];
          if (of_weights == 0) of_bias[c] += dy[i][c];
        }
      }
    }
  });
  if (of_weights >= kSide) return;
  constexpr int kRows = kSide * kSide + 1;
  const long long left = (static_cast<long long>(part()) * blocks() + block()) * kLeftByBlock + strip.lane / 16;
  float* to = a.partial + left * kRows * kDepthwiseChannels + strip.pair;
  UNROLLED
  for (int k = 0; k < kSide; ++k) write(sums[k], to + (of_weights * kSide + k) * kDepthwiseChannels);
  if (of_weights == 0) write(of_bias, to + (kRows - 1) * kDepthwiseChannels);
}

// A block adds up a tap of a part's channels, or the bias.
template <class Number, int kSide>
KERNEL_OF(512, 2) depthwise_add(const DepthwiseWeights a) {
  begin_kernel();
  constexpr int kWeights = kSide * kSide, kOf = (kWeights + 1) * kDepthwiseChannels;
  const int tap = block(), channel = part() * kDepthwiseChannels + thread() % kDepthwiseChannels,
            left = a.blocks * kLeftByBlock;
  const float* from =
      a.partial + static_cast<long long>(part()) * left * kOf + tap * kDepthwiseChannels + thread() % 32;
  static_assert(kDepthwiseChannels == 32, "a warp adds up numbers of its lanes");
  const float sum = sum_of_blocks(from, kOf, left);
  if (thread() >= 32 || channel >= a.channels) return;
  auto* to = static_cast<Number*>(tap < kWeights ? a.d_weights : a.d_bias);
  narrow(sum, to[tap < kWeights ? channel * kWeights + tap : channel]);
}

}  // namespace optdnn::kernels::gpu
