// 3x3 convolutions of few channels in 16 bits by the matrix units of a GPU: y[p] = sum over taps t of w[t] x[p + t],
// products of a tile's pixels and channels with the weights of a tap. A block keeps the weights of its outputs in
// shared memory and takes one tile of 8 x 8 pixels after the other; while it multiplies, the next tile is on its way.
// Sums are float. With kNormed the batch norm with relu before the layer is made of what is read, so that it is never
// written, and what the statistics of the norm behind it or the gradient of the one before it need is added up of what
// is written, while it is in registers.
#pragma once

#include "optdnn/kernels/gpu/convolve.h"
#include "optdnn/kernels/gpu/partial.cuh"

namespace optdnn::kernels::gpu {

struct alignas(16) Chunk {
  unsigned words[4];
};

// A tile of one image, by its number among all.
struct Tile {
  DEVICE Tile(int number, int height, int width) {
    const int across = divided_up(width, kTile), down = divided_up(height, kTile);
    column = number % across * kTile;
    row = number / across % down * kTile;
    image = number / across / down;
  }
  int image, row, column;
};

// What channels from `first` on are normed by, and the gradient's sums taken of, in shared memory.
template <int kChannels>
DEVICE void load_norm(const ChannelNorm& norm, int first, float* to) {
  for (int c = thread(); c < kChannels; c += kConvolveThreads) {
    const float inverse = norm.inverse[first + c];
    to[kNormMean * kChannels + c] = norm.mean[first + c];
    to[kNormScale * kChannels + c] = norm.weight[first + c] * inverse;
    to[kNormShift * kChannels + c] = norm.bias[first + c];
    to[kNormInverse * kChannels + c] = inverse;
  }
}

// kChannels of each pixel of a square of kSide pixels, of which a thread holds its share on the way from memory to
// shared memory. Pixels beyond the image are zeros.
template <int kChannels, int kSide>
struct Square {
  static constexpr int kChunks = kChannels / kChunk;
  static constexpr int kAll = kSide * kSide * kChunks;
  static constexpr int kMine = divided_up(kAll, kConvolveThreads);

  // `from`: the first of the wanted channels in an array of images with `channels` each.
  DEVICE void fetch(const unsigned short* from, int channels, const Tile& tile, int border, int height, int width) {
    inside = 0;
    UNROLLED
    for (int k = 0; k < kMine; ++k) {
      const int i = thread() + k * kConvolveThreads, pixel = i / kChunks;
      const int row = tile.row - border + pixel / kSide, column = tile.column - border + pixel % kSide;
      chunks[k] = Chunk{};
      if (i >= kAll || row < 0 || row >= height || column < 0 || column >= width) continue;
      const long long at = (static_cast<long long>(tile.image) * height + row) * width + column;
      chunks[k] = *reinterpret_cast<const Chunk*>(from + at * channels + i % kChunks * kChunk);
      inside |= 1u << k;
    }
  }
  // relu(norm) of the pixels inside the image.
  template <class Number>
  DEVICE void normalise(const float* norm) {
    UNROLLED
    for (int k = 0; k < kMine; ++k) {
      if ((inside >> k & 1u) == 0) continue;
      const float* of = norm + (thread() + k * kConvolveThreads) % kChunks * kChunk;
      Vector<Number, kChunk> numbers;
      memcpy(&numbers, &chunks[k], sizeof numbers);
      UNROLLED
      for (int c = 0; c < kChunk; c += 4) {
        float mean[4], scale[4], shift[4];
        read(of + kNormMean * kChannels + c, mean);
        read(of + kNormScale * kChannels + c, scale);
        read(of + kNormShift * kChannels + c, shift);
        UNROLLED
        for (int i = 0; i < 4; ++i) {
          const float z = scale[i] * (widen(numbers.numbers[c + i]) - mean[i]) + shift[i];
          narrow(z < 0.0f ? 0.0f : z, numbers.numbers[c + i]);
        }
      }
      memcpy(&chunks[k], &numbers, sizeof numbers);
    }
  }
  DEVICE void store(Chunk* to, int stride) const {
    UNROLLED
    for (int k = 0; k < kMine; ++k) {
      const int i = thread() + k * kConvolveThreads;
      if (i < kAll) to[i / kChunks * stride + i % kChunks] = chunks[k];
    }
  }
  Chunk chunks[kMine];
  unsigned inside;  // the image, bit k: of chunk k
};

// The weights of kOut outputs in shared memory: for the convolution tap x output x input; for the gradient of x, whose
// inputs are the layer's outputs, tap x input x output, the taps in the opposite order.
template <int kIn, int kOut, bool kGradient>
DEVICE void load_weights(const Convolve& a, Chunk* to) {
  constexpr int kRow = kGradient ? kOut / kChunk : kIn / kChunk, kRows = kGradient ? kIn : kOut;
  constexpr int kStride = row_chunks(kRow * kChunk);
  const auto* from = static_cast<const unsigned short*>(a.weights);
  const int first = part() * kOut;
  for (int i = thread(); i < kTaps * kRows * kRow; i += kConvolveThreads) {
    const int chunk = i % kRow, row = i / kRow % kRows, tap = i / kRow / kRows;
    const int output = kGradient ? row : first + row, input = (kGradient ? first : 0) + chunk * kChunk;
    const int of = kGradient ? kTaps - 1 - tap : tap;
    to[(tap * kRows + row) * kStride + chunk] =
        *reinterpret_cast<const Chunk*>(from + (output * kTaps + of) * a.inputs + input);
  }
}

// Of a tap in a tile and its border.
DEVICE constexpr int pixel_of(int tap) { return tap / 3 * kHalo + tap % 3; }

// Where a lane's sums go: two channels of each group, of a pixel in each of the warp's two rows.
struct OutputsOf {
  DEVICE bool inside(int half) const { return tile.row + 2 * warp + half < height && tile.column + lane / 4 < width; }
  DEVICE long long at(int half) const {
    const int row = tile.row + 2 * warp + half, column = tile.column + lane / 4;
    return ((static_cast<long long>(tile.image) * height + row) * width + column) * channels + first + lane % 4 * 2;
  }
  template <class Number, int kGroups>
  DEVICE void load_pairs(const void* from, Vector<Number, 2> (&to)[2][kGroups]) const {
    UNROLLED
    for (int half = 0; half < 2; ++half) {
      UNROLLED
      for (int group = 0; group < kGroups; ++group) {
        if (inside(half)) load(from, at(half) + group * kChunk, to[half][group]);
      }
    }
  }
  Tile tile;
  int warp, lane, height, width, first, channels;
};

// What a thread has added up of the channels that it makes two of in each group, for a norm.
template <int kGroups>
struct PairSums {
  static constexpr int kMine = 2 * kGroups, kChannels = kGroups * kChunk;

  // Of an output, its moments.
  template <class Number>
  DEVICE void take_output(int group, const float* about, const float (&pair)[2]) {
    float of_about[2];
    read(about, of_about);
    UNROLLED
    for (int i = 0; i < 2; ++i) {
      const float d = rounded<Number>(pair[i]) - of_about[i];
      sums[2 * group + i] += d;
      products[2 * group + i] += d * d;
    }
  }
  // Of the gradient of relu(norm(input)), which becomes that of norm(input).
  template <class Number>
  DEVICE void take_gradient(int group, const Vector<Number, 2>& input, const float* norm, float (&pair)[2]) {
    float mean[2], scale[2], shift[2], inverse[2];
    read(norm + kNormMean * kChannels, mean);
    read(norm + kNormScale * kChannels, scale);
    read(norm + kNormShift * kChannels, shift);
    read(norm + kNormInverse * kChannels, inverse);
    UNROLLED
    for (int i = 0; i < 2; ++i) {
      const float d = widen(input.numbers[i]) - mean[i];
      pair[i] = scale[i] * d + shift[i] > 0.0f ? pair[i] : 0.0f;
      sums[2 * group + i] += rounded<Number>(pair[i]);
      products[2 * group + i] += rounded<Number>(pair[i]) * inverse[i] * d;
    }
  }

  // Leaves the block's: sums of all threads that have the channel, of so many pixels, about what is in `about`.
  DEVICE void leave(const Partial& left, const float* about, int pixels) const {
    float* shared = shared_memory();
    const int channel = thread(), number = channel / kChunk * 2 + channel % 2;
    float of[kPartialNumbers] = {};
    if (about && channel < kChannels) {
      of[2] = about[channel];
      of[3] = static_cast<float>(pixels);
    }
    sync();
    UNROLLED
    for (int k = 0; k < kMine; ++k) {
      shared[k * kSumsStride + thread()] = sums[k];
      shared[(kMine + k) * kSumsStride + thread()] = products[k];
    }
    sync();
    if (channel >= kChannels) return;
    const float* from = shared + number * kSumsStride + channel % kChunk / 2;
    UNROLLED_BY_8
    for (int other = 0; other < kConvolveThreads; other += 4) {
      of[0] += from[other];
      of[1] += from[kMine * kSumsStride + other];
    }
    const long long row = static_cast<long long>(part()) * blocks() + block();
    write(of, left.sums + (row * kChannels + channel) * kPartialNumbers);
  }
  float sums[kMine] = {}, products[kMine] = {};
};

template <class Number, int kIn, int kOut, bool kGradient, bool kNormed>
KERNEL_OF(128, 4) convolve(const Convolve a) {
  begin_kernel();
  constexpr int kChunks = kIn / kChunk, kSteps = divided_up(kTaps * kChunks, 2);
  constexpr int kGroups = kOut / kChunk, kPlanes = divided_up(kGroups, 2);
  constexpr int kPixelStride = row_chunks(kIn);
  constexpr int kRows = kGradient ? kIn : kOut, kWeightStride = row_chunks(kGradient ? kOut : kIn);
  auto* weights = reinterpret_cast<Chunk*>(shared_memory());
  Chunk* pixels = weights + kTaps * kRows * kWeightStride;
  Chunk* zeros = pixels + kHaloPixels * kPixelStride;  // stand in for a chunk beyond the last
  load_weights<kIn, kOut, kGradient>(a, weights);
  if (thread() == 0) *zeros = Chunk{};
  constexpr int kOfNorm = kGradient ? kOut : kIn;
  auto* norm = reinterpret_cast<float*>(zeros + 1);
  float* about = norm + kNormRows * kOfNorm;
  const bool normed = kNormed && a.norm.mean, adds = kNormed && a.left.sums;
  if (normed) load_norm<kOfNorm>(a.norm, kGradient ? part() * kOut : 0, norm);
  if (kNormed) sync();

  const auto* x = static_cast<const unsigned short*>(a.x);
  const int contracted = kGradient ? a.outputs : a.inputs, outputs = kGradient ? a.inputs : a.outputs;
  const int tiles = tiles_of(a.images, a.height, a.width), warp = thread() / 32, lane = thread() % 32;
  // What the lane names rows of: a pixel of the warp's two rows of them, and a row of weights.
  const Chunk* pixel_row = pixels + ((2 * warp + lane / 8 % 2) * kHalo + lane % 8) * kPixelStride;
  const Chunk* weight_row = weights + lane % 8 * kWeightStride;

  PairSums<kGroups> added;
  int pixels_made = 0;
  Square<kIn, kHalo> next;
  if (block() < tiles) next.fetch(x, contracted, Tile(block(), a.height, a.width), 1, a.height, a.width);
  for (int number = block(); number < tiles; number += blocks()) {
    if (!kGradient && normed) next.template normalise<Number>(norm);
    sync();
    next.store(pixels, kPixelStride);
    sync();
    const Tile tile(number, a.height, a.width);
    if (number + blocks() < tiles)
      next.fetch(x, contracted, Tile(number + blocks(), a.height, a.width), 1, a.height, a.width);
    Vector<Number, 2> inputs[2][kGroups];
    if (kGradient && normed) {
      OutputsOf{tile, warp, lane, a.height, a.width, part() * kOut, outputs}.load_pairs(a.input, inputs);
    }

    float sums[2 * kPlanes][4] = {};
    UNROLLED
    for (int step = 0; step < kSteps; ++step) {
      // Chunks that are summed over: tap x chunk of the pixel. The second of the last step may be beyond them.
      const int q = 2 * step, tap = q / kChunks, tap_2 = (q + 1) / kChunks, c = q % kChunks, c_2 = (q + 1) % kChunks;
      const bool beyond = q + 1 == kTaps * kChunks;
      const int at = pixel_of(tap) * kPixelStride + c, more = pixel_of(tap_2) * kPixelStride + c_2 - at;
      unsigned left[4];
      load_matrices(beyond && lane / 16 == 1 ? zeros : pixel_row + at + lane / 16 * more, left);
      UNROLLED
      for (int plane = 0; plane < kPlanes; ++plane) {
        const int other = 2 * plane + 1 < kGroups ? lane / 16 : 0, second = lane / 8 % 2;  // group, chunk of the lane
        unsigned right[4];
        if (kGradient) {
          const int from = (tap * kRows + c * kChunk) * kWeightStride + 2 * plane;
          const int on = ((tap_2 - tap) * kRows + (c_2 - c) * kChunk) * kWeightStride;
          load_matrices_turned(beyond && second == 1 ? zeros : weight_row + from + second * on + other, right);
        } else {
          const int from = (tap * kRows + (2 * plane + other) * kChunk) * kWeightStride + c;
          const int on = (tap_2 - tap) * kRows * kWeightStride + c_2 - c;
          load_matrices(beyond && second == 1 ? zeros : weight_row + from + second * on, right);
        }
        multiply_add<Number>(left, right[0], right[1], sums[2 * plane]);
        if (2 * plane + 1 < kGroups) multiply_add<Number>(left, right[2], right[3], sums[2 * plane + 1]);
      }
    }

    if (!kGradient && adds) {
      if (number == block() && thread() < 4) {  // have the tile's first pixel
        UNROLLED
        for (int k = 0; k < 2 * kGroups; ++k)
          about[k / 2 * kChunk + thread() * 2 + k % 2] = rounded<Number>(sums[k / 2][k % 2]);
      }
      if (number == block()) sync();
      pixels_made += (a.height - tile.row < kTile ? a.height - tile.row : kTile) *
                     (a.width - tile.column < kTile ? a.width - tile.column : kTile);
    }
    const OutputsOf mine{tile, warp, lane, a.height, a.width, part() * kOut, outputs};
    UNROLLED
    for (int half = 0; half < 2; ++half) {
      if (!mine.inside(half)) continue;
      UNROLLED
      for (int group = 0; group < kGroups; ++group) {
        float pair[2] = {sums[group][2 * half], sums[group][2 * half + 1]};
        const int channel = group * kChunk + lane % 4 * 2;
        if (kGradient && normed) {
          added.template take_gradient<Number>(group, inputs[half][group], norm + channel, pair);
        } else if (!kGradient && adds) {
          added.template take_output<Number>(group, about + channel, pair);
        }
        write(pair, static_cast<Number*>(a.y) + mine.at(half) + group * kChunk);
      }
    }
  }
  if (adds) added.leave(a.left, kGradient ? nullptr : about, pixels_made);
}

// For kPart of the inputs, those of the block's part, and all kAll outputs. Warps share out the outputs by sixteen and,
// where they are few, the rows of pixels. There are few blocks, each of which leaves sums for all weights, and few
// products: two tiles are on their way while one is multiplied.
template <class Number, int kPart, int kAll, bool kNormed>
KERNEL_OF(128, 2) convolve_weights(const ConvolveWeights a) {
  begin_kernel();
  constexpr int kPlanes = planes_of(kAll), kGroups = 4 / kPlanes;  // of warps, over a tile's rows
  constexpr int kSteps = 4 / kGroups, kColumns = kPart / kChunk;
  constexpr int kPixelStride = row_chunks(kPart), kGradientStride = row_chunks(16 * kPlanes);
  auto* pixels = reinterpret_cast<Chunk*>(shared_memory());
  Chunk* gradients = pixels + kHaloPixels * kPixelStride;
  for (int i = thread(); i < kTilePixels * kGradientStride; i += kConvolveThreads) gradients[i] = Chunk{};
  auto* norm = reinterpret_cast<float*>(gradients + kTilePixels * kGradientStride);
  if (kNormed) load_norm<kPart>(a.norm, part() * kPart, norm);
  if (kNormed) sync();

  const auto* x = static_cast<const unsigned short*>(a.x) + part() * kPart;
  const auto* dy = static_cast<const unsigned short*>(a.dy);
  const int tiles = tiles_of(a.images, a.height, a.width), warp = thread() / 32, lane = thread() % 32;
  const int plane = warp % kPlanes, group = warp / kPlanes;

  float sums[kTaps][kColumns][4] = {};
  struct Fetched {
    Square<kPart, kHalo> x;
    Square<kAll, kTile> dy;
  } even, odd;  // tiles of the block that are on their way
  const auto fetch = [&](int number, Fetched& to) {
    if (number >= tiles) return;
    const Tile tile(number, a.height, a.width);
    to.x.fetch(x, a.inputs, tile, 1, a.height, a.width);
    to.dy.fetch(dy, a.outputs, tile, 0, a.height, a.width);
  };
  const auto take = [&](int number, Fetched& from) {
    if (kNormed) from.x.template normalise<Number>(norm);
    sync();
    from.x.store(pixels, kPixelStride);
    from.dy.store(gradients, kGradientStride);
    sync();
    fetch(number + 2 * blocks(), from);
    if (group >= kGroups) return;
    UNROLLED
    for (int step = 0; step < kSteps; ++step) {
      const int first = 2 * (group * kSteps + step);  // of two rows of pixels, which are summed over
      unsigned left[4];
      const int of_left = (first + lane / 16) * kTile + lane % 8;
      load_matrices_turned(gradients + of_left * kGradientStride + 2 * plane + lane / 8 % 2, left);
      const int of_right = (first + lane / 8 % 2) * kHalo + lane % 8;
      UNROLLED
      for (int tap = 0; tap < kTaps; ++tap) {
        unsigned right[4];
        const Chunk* row = pixels + (of_right + tap / 3 * kHalo + tap % 3) * kPixelStride;
        load_matrices_turned(row + lane / 16 % kColumns, right);
        multiply_add<Number>(left, right[0], right[1], sums[tap][0]);
        if (kColumns > 1) multiply_add<Number>(left, right[2], right[3], sums[tap][kColumns - 1]);
      }
    }
  };
  fetch(block(), even);
  fetch(block() + blocks(), odd);
  for (int number = block(); number < tiles; number += 2 * blocks()) {
    take(number, even);
    if (number + blocks() < tiles) take(number + blocks(), odd);
  }

  constexpr int kMine = kTaps * kColumns * 4;
  float* all = &sums[0][0][0];
  float* shared = shared_memory() + (plane * 32 + lane);
  UNROLLED
  for (int from = 1; from < kGroups; ++from) {
    sync();
    if (group == from) {
      UNROLLED
      for (int k = 0; k < kMine; ++k) shared[k * 32 * kPlanes] = all[k];
    }
    sync();
    if (group != 0) continue;
    UNROLLED
    for (int k = 0; k < kMine; ++k) all[k] += shared[k * 32 * kPlanes];
  }
  if (group != 0) return;
  float* partial = a.partial + (static_cast<long long>(part()) * blocks() + block()) * (kAll * kTaps * kPart);
  UNROLLED
  for (int half = 0; half < 2; ++half) {
    const int output = plane * 16 + half * 8 + lane / 4;
    if (output >= kAll) continue;
    UNROLLED
    for (int tap = 0; tap < kTaps; ++tap) {
      UNROLLED
      for (int column = 0; column < kColumns; ++column) {
        const float pair[2] = {sums[tap][column][2 * half], sums[tap][column][2 * half + 1]};
        write(pair, partial + (output * kTaps + tap) * kPart + column * kChunk + lane % 4 * 2);
      }
    }
  }
}

// What the blocks have left: a block adds up 32 numbers, its warps each a share of the blocks. Behind them come those
// which add up for the norm.
template <class Number, int kPart>
KERNEL_OF(512, 2) add_weights(const ConvolveWeights a) {
  begin_kernel();
  const int of_part = a.outputs * kTaps * kPart, of_norm = block() - divided_up(of_part, kAddedByBlock);
  if (of_norm >= 0) {
    if (part() > 0) return;
    gather(a.left, of_norm * kGatheredChannels, a.inputs, [&](int channel, const float(&sums)[2], float) {
      a.d_norm_bias[channel] = sums[0];
      a.d_norm_weight[channel] = sums[1];
    });
    return;
  }
  const int i = block() * kAddedByBlock + thread() % 32, last = i < of_part ? i : of_part - 1;
  const float* partial = a.partial + static_cast<long long>(part()) * a.blocks * of_part;
  const float sum = sum_of_blocks(partial + last, of_part, a.blocks);
  if (thread() >= 32 || i >= of_part) return;
  narrow(sum, static_cast<Number*>(a.d_weights)[i / kPart * a.inputs + part() * kPart + i % kPart]);
}

}  // namespace optdnn::kernels::gpu
