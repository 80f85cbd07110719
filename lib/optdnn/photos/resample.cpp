#include "optdnn/photos/resample.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// The two passes are compiled for AVX2 as well where that can be chosen when the program starts.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define OPTDNN_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define OPTDNN_WIDE
#endif

namespace optdnn::photos {

namespace {

using Bytes4 [[gnu::vector_size(4)]] = uint8_t;
using Ints4 [[gnu::vector_size(16)]] = int32_t;

constexpr int kFractionBits = 32 - 8 - 2;
constexpr int32_t kHalf = 1 << (kFractionBits - 1);

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

// The weights of one output pixel, over `first`, first + 1, ...
struct Taps {
  int64_t first = 0, count = 0;
  const int32_t* weights = nullptr;
};

struct Axis {
  std::vector<Taps> taps;  // of the window's pixels
  std::vector<int32_t> weights;
  int64_t begin() const { return taps.front().first; }
  int64_t end() const {
    int64_t last = 0;
    for (const Taps& t : taps) last = std::max(last, t.first + t.count);
    return last;
  }
};

Axis make_axis(int64_t inputs, double low, double high, int64_t outputs, int64_t window_first, int64_t window_count) {
  const double scale = (high - low) / static_cast<double>(outputs), stretch = std::max(scale, 1.0);
  const double support = 2.0 * stretch;
  const auto most = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  Axis axis;
  axis.weights.resize(most * window_count);
  std::vector<double> real(most);
  for (int64_t i = 0; i < window_count; ++i) {
    const double center = low + (static_cast<double>(window_first + i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(center - support + 0.5), 0);
    const int64_t count = std::min(static_cast<int64_t>(center + support + 0.5), inputs) - first;
    double sum = 0.0;
    for (int64_t k = 0; k < count; ++k) {
      real[k] = cubic((static_cast<double>(first + k) - center + 0.5) / stretch);
      sum += real[k];
    }
    int32_t* weights = &axis.weights[most * i];
    for (int64_t k = 0; k < count; ++k) {
      weights[k] = static_cast<int32_t>(std::lround(real[k] / sum * (1 << kFractionBits)));
    }
    axis.taps.push_back({first, count, weights});
  }
  return axis;
}

inline uint8_t rounded(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

OPTDNN_WIDE void horizontal(const uint8_t* from, const Taps* taps, int64_t count, uint8_t* to) {
  for (int64_t x = 0; x < count; ++x, to += 4) {
    const uint8_t* pixel = from + 4 * taps[x].first;
    Ints4 sum = {kHalf, kHalf, kHalf, kHalf};
    for (int64_t k = 0; k < taps[x].count; ++k, pixel += 4) {
      Bytes4 bytes;
      std::memcpy(&bytes, pixel, 4);
      sum += __builtin_convertvector(bytes, Ints4) * taps[x].weights[k];
    }
    for (int c = 0; c < 4; ++c) to[c] = rounded(sum[c]);
  }
}

OPTDNN_WIDE void vertical(const uint8_t* from, int64_t stride, const Taps& taps, int64_t count, int32_t* sums,
                          uint8_t* to) {
  std::fill(sums, sums + count, kHalf);
  for (int64_t k = 0; k < taps.count; ++k, from += stride) {
    const int32_t weight = taps.weights[k];
    for (int64_t i = 0; i < count; ++i) sums[i] += weight * from[i];
  }
  for (int64_t i = 0; i < count; ++i) to[i] = rounded(sums[i]);
}

}  // namespace

Pixels resampled(const Pixels& from, const RealBox& box, int64_t width, int64_t height, const Rectangle& window) {
  const Axis columns = make_axis(from.width, box.left, box.right, width, window.x, window.width);
  const Axis rows = make_axis(from.height, box.top, box.bottom, height, window.y, window.height);
  const int64_t top = rows.begin();
  Pixels narrow(window.width, rows.end() - top);
  for (int64_t y = 0; y < narrow.height; ++y) {
    horizontal(from.row(top + y), columns.taps.data(), window.width, narrow.row(y));
  }
  Pixels to(window.width, window.height);
  std::vector<int32_t> sums(4 * window.width);
  for (int64_t y = 0; y < window.height; ++y) {
    const Taps& taps = rows.taps[y];
    vertical(narrow.row(taps.first - top), 4 * window.width, taps, 4 * window.width, sums.data(), to.row(y));
  }
  return to;
}

}  // namespace optdnn::photos
