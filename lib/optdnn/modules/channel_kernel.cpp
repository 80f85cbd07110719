#include "optdnn/modules/channel_kernel.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>

#include "optdnn/modules/small_matrix.h"

namespace optdnn::modules {

namespace {

constexpr int64_t kRowBlock = 256;  // rows whose sums are kept in `Number`

template <class Number>
using Lanes = typename Wide<Number>::Lanes;

template <class Number>
OPTDNN_INLINE const Lanes<Number>& at(const Number* numbers) {
  return Wide<Number>::at(numbers);
}

// Rows put side by side, and what there is per channel repeated for each.
template <class Number>
struct WideRows {
  WideRows(int64_t rows, int64_t channels)
      : at_once(rows_at_once<Number>(channels)), N(rows / at_once), C(channels * at_once) {}

  template <class From>
  std::vector<Number> repeat(const std::vector<From>& per_channel) const {
    std::vector<Number> repeated(C);
    for (int64_t c = 0; c < C; ++c) repeated[c] = static_cast<Number>(per_channel[c % (C / at_once)]);
    return repeated;
  }
  int64_t blocks() const { return (N + kRowBlock - 1) / kRowBlock; }
  int64_t begin(int64_t block) const { return block * kRowBlock; }
  int64_t rows(int64_t block) const { return std::min(kRowBlock, N - begin(block)); }

  int64_t at_once, N, C;
};

// sums_C and others_C of two numbers per row and channel, which add(row's number, channel, sum, other) adds.
template <class Number, class Add>
OPTDNN_INLINE void sum_rows(int64_t N, int64_t C, Number* sums, Number* others, Add add) {
  for (int64_t c = 0; c < C; c += Wide<Number>::kCount) {
    Lanes<Number> sum = {}, other = {};
    for (int64_t n = 0; n < N; ++n) add(n * C + c, c, sum, other);
    for (int64_t i = 0; i < Wide<Number>::kCount; ++i) sums[c + i] = sum[i], others[c + i] = other[i];
  }
}

template <class Number>
OPTDNN_INLINE void sum_moments(const Number* x, const Number* about, int64_t N, int64_t C, Number* sums,
                               Number* squares) {
  sum_rows(
      N, C, sums,
      squares, [=](int64_t i, int64_t c, Lanes<Number> & sum, Lanes<Number> & square) __attribute__((always_inline)) {
        const Lanes<Number> d = at(x + i) - at(about + c);
        sum += d;
        square += d * d;
      });
}

template <class Number>
OPTDNN_INLINE void sum_backward(const Number* dy, const Number* x, const Number* scale, const Number* shift,
                                const Number* mean, int64_t N, int64_t C, Number* sums, Number* products) {
  sum_rows(
      N, C, sums,
      products, [=](int64_t i, int64_t c, Lanes<Number> & sum, Lanes<Number> & product) __attribute__((always_inline)) {
        const Lanes<Number> z = at(x + i) * at(scale + c) + at(shift + c);
        const Lanes<Number> dz = z > 0 ? at(dy + i) : Lanes<Number>{};
        sum += dz;
        product += dz * (at(x + i) - at(mean + c));
      });
}

template <class Number, class Value>
OPTDNN_INLINE void map_rows(int64_t N, int64_t C, Number* out, Value value) {
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < C; c += Wide<Number>::kCount) {
      value(n * C + c, c, *reinterpret_cast<Lanes<Number>*>(out + n * C + c));
    }
  }
}

template <class Number>
OPTDNN_INLINE void map_forward(const Number* x, const Number* scale, const Number* shift, int64_t N, int64_t C,
                               Number* y) {
  map_rows(
      N, C, y, [=](int64_t i, int64_t c, Lanes<Number> & to) __attribute__((always_inline)) {
        const Lanes<Number> z = at(x + i) * at(scale + c) + at(shift + c);
        to = z < 0 ? Lanes<Number>{} : z;
      });
}

template <class Number>
OPTDNN_INLINE void map_backward(const Number* dy, const Number* x, const Number* scale, const Number* shift,
                                const Number* slope, const Number* offset, int64_t N, int64_t C, Number* dx) {
  map_rows(
      N, C, dx, [=](int64_t i, int64_t c, Lanes<Number> & to) __attribute__((always_inline)) {
        const Lanes<Number> z = at(x + i) * at(scale + c) + at(shift + c);
        const Lanes<Number> dz = z > 0 ? at(dy + i) : Lanes<Number>{};
        to = at(scale + c) * dz + (at(slope + c) * at(x + i) + at(offset + c));
      });
}

// The same for each processor and number type.
#define OPTDNN_PER_NUMBER(Number)                                                                                    \
  OPTDNN_EACH_PROCESSOR void moments_of(const Number* x, const Number* about, int64_t N, int64_t C, Number* sums,    \
                                        Number* squares) {                                                           \
    sum_moments(x, about, N, C, sums, squares);                                                                      \
  }                                                                                                                  \
  OPTDNN_EACH_PROCESSOR void sums_of(const Number* dy, const Number* x, const Number* scale, const Number* shift,    \
                                     const Number* mean, int64_t N, int64_t C, Number* sums, Number* products) {     \
    sum_backward(dy, x, scale, shift, mean, N, C, sums, products);                                                   \
  }                                                                                                                  \
  OPTDNN_EACH_PROCESSOR void map_of(const Number* x, const Number* scale, const Number* shift, int64_t N, int64_t C, \
                                    Number* y) {                                                                     \
    map_forward(x, scale, shift, N, C, y);                                                                           \
  }                                                                                                                  \
  OPTDNN_EACH_PROCESSOR void back_of(const Number* dy, const Number* x, const Number* scale, const Number* shift,    \
                                     const Number* slope, const Number* offset, int64_t N, int64_t C, Number* dx) {  \
    map_backward(dy, x, scale, shift, slope, offset, N, C, dx);                                                      \
  }
OPTDNN_PER_NUMBER(float)
OPTDNN_PER_NUMBER(double)
#undef OPTDNN_PER_NUMBER

// Calls each(block) for all blocks of rows, on LibTorch's threads.
template <class Number, class Each>
void for_each_block(const WideRows<Number>& wide, Each each) {
  at::parallel_for(0, wide.blocks(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) each(block);
  });
}

// The sums of the blocks as doubles, and those of the rows side by side added to one another: C of each kind.
template <class Number, class SumsOf>
std::pair<std::vector<double>, std::vector<double>> add_up(const WideRows<Number>& wide, SumsOf sums_of_block) {
  std::vector<Number> sums(wide.blocks() * wide.C), others(wide.blocks() * wide.C);
  for_each_block(wide, [&](int64_t block) {
    sums_of_block(wide.begin(block) * wide.C, wide.rows(block), &sums[block * wide.C], &others[block * wide.C]);
  });
  const int64_t C = wide.C / wide.at_once;
  std::vector<double> sum(C), other(C);
  for (size_t i = 0; i < sums.size(); ++i) sum[i % C] += sums[i], other[i % C] += others[i];
  return {sum, other};
}

}  // namespace

template <class Number>
int64_t rows_at_once(int64_t C) {
  return Wide<Number>::kCount / std::gcd(C, Wide<Number>::kCount);
}

template <class Number>
ChannelMoments channel_moments(const Number* x_NC, int64_t N, int64_t C) {
  const WideRows<Number> wide(N, C);
  const auto about = wide.repeat(std::vector<Number>(x_NC, x_NC + C));
  auto [mean, variance] = add_up(wide, [&](int64_t begin, int64_t rows, Number* sums, Number* squares) {
    moments_of(x_NC + begin, about.data(), rows, wide.C, sums, squares);
  });
  for (int64_t c = 0; c < C; ++c) {
    const double shift = mean[c] / static_cast<double>(N);
    const double found = variance[c] / static_cast<double>(N) - shift * shift;
    variance[c] = found < 0 ? 0.0 : found;  // NaN stays NaN
    mean[c] = shift + about[c];
  }
  return {mean, variance};
}

template <class Number>
void map_relu(const Number* x_NC, const ChannelMap& map, Number* y_NC, int64_t N, int64_t C) {
  const WideRows<Number> wide(N, C);
  const auto scale = wide.repeat(map.scale), shift = wide.repeat(map.shift);
  for_each_block(wide, [&](int64_t block) {
    const int64_t begin = wide.begin(block) * wide.C;
    map_of(x_NC + begin, scale.data(), shift.data(), wide.rows(block), wide.C, y_NC + begin);
  });
}

template <class Number>
ChannelSums relu_backward_sums(const Number* dy_NC, const Number* x_NC, const ChannelMap& map,
                               const std::vector<double>& mean, int64_t N, int64_t C) {
  const WideRows<Number> wide(N, C);
  const auto scale = wide.repeat(map.scale), shift = wide.repeat(map.shift), about = wide.repeat(mean);
  const auto [dz, dz_x] = add_up(wide, [&](int64_t begin, int64_t rows, Number* sums, Number* products) {
    sums_of(dy_NC + begin, x_NC + begin, scale.data(), shift.data(), about.data(), rows, wide.C, sums, products);
  });
  return {dz, dz_x};
}

template <class Number>
void map_relu_backward(const Number* dy_NC, const Number* x_NC, const ChannelMap& map, const std::vector<double>& slope,
                       const std::vector<double>& offset, Number* dx_NC, int64_t N, int64_t C) {
  const WideRows<Number> wide(N, C);
  const auto scale = wide.repeat(map.scale), shift = wide.repeat(map.shift);
  const auto slopes = wide.repeat(slope), offsets = wide.repeat(offset);
  for_each_block(wide, [&](int64_t block) {
    const int64_t begin = wide.begin(block) * wide.C;
    back_of(dy_NC + begin, x_NC + begin, scale.data(), shift.data(), slopes.data(), offsets.data(), wide.rows(block),
            wide.C, dx_NC + begin);
  });
}

#define OPTDNN_PER_NUMBER(Number)                                                                                      \
  template int64_t rows_at_once<Number>(int64_t);                                                                      \
  template ChannelMoments channel_moments(const Number*, int64_t, int64_t);                                            \
  template void map_relu(const Number*, const ChannelMap&, Number*, int64_t, int64_t);                                 \
  template ChannelSums relu_backward_sums(const Number*, const Number*, const ChannelMap&, const std::vector<double>&, \
                                          int64_t, int64_t);                                                           \
  template void map_relu_backward(const Number*, const Number*, const ChannelMap&, const std::vector<double>&,         \
                                  const std::vector<double>&, Number*, int64_t, int64_t);
OPTDNN_PER_NUMBER(float)
OPTDNN_PER_NUMBER(double)

}  // namespace optdnn::modules
