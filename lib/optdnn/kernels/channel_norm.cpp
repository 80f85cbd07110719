#include "optdnn/kernels/channel_norm.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <initializer_list>
#include <numeric>

#include "optdnn/kernels/small_matrix.h"

namespace optdnn::kernels {

namespace {

constexpr int64_t kBlock = 1024;         // numbers, about, that are worked on at a time
constexpr int64_t kBlocksPerPiece = 16;  // whose sums are kept in `Number`

// Per channel, repeated for each of the rows that are read as one.
template <class Number, class From>
std::vector<Number> repeat(const std::vector<From>& per_channel) {
  const auto C = static_cast<int64_t>(per_channel.size());
  std::vector<Number> repeated(C * rows_at_once<Number>(C));
  for (size_t c = 0; c < repeated.size(); ++c) repeated[c] = static_cast<Number>(per_channel[c % C]);
  return repeated;
}

// Adds to sums_C and others_C two numbers per row and channel, which add(row's number, channel, sum, other) adds.
template <class W, class Number, class Add>
OPTDNN_INLINE void sum_rows(int64_t N, int64_t C, Number* sums, Number* others, Add add) {
  for (int64_t begin = 0; begin < C; begin += kLanesOfSums<Number>) {
    typename W::Part sum[W::kParts] = {}, other[W::kParts] = {};
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t p = 0; p < W::kParts; ++p) {
        const int64_t c = begin + p * W::kOfPart;
        add(n * C + c, c, sum[p], other[p]);
      }
    }
    for (int64_t p = 0; p < W::kParts; ++p) {
      W::at(sums + begin + p * W::kOfPart) += sum[p];
      W::at(others + begin + p * W::kOfPart) += other[p];
    }
  }
}

template <int kBytes, class Number>
OPTDNN_INLINE void sum_moments(const Number* x, const Number* about, int64_t N, int64_t C, Number* sums,
                               Number* squares) {
  using W = Wide<kBytes, Number>;
  using Part = typename W::Part;
  sum_rows<W>(
      N, C, sums, squares, [=](int64_t i, int64_t c, Part & sum, Part & square) __attribute__((always_inline)) {
        const Part d = W::at(x + i) - W::at(about + c);
        sum += d;
        square += d * d;
      });
}

template <int kBytes, class Number>
OPTDNN_INLINE void sum_backward(const Number* dy, const Number* x, const Number* scale, const Number* shift,
                                const Number* mean, int64_t N, int64_t C, Number* sums, Number* products) {
  using W = Wide<kBytes, Number>;
  using Part = typename W::Part;
  sum_rows<W>(
      N, C, sums, products, [=](int64_t i, int64_t c, Part & sum, Part & product) __attribute__((always_inline)) {
        const Part z = W::at(x + i) * W::at(scale + c) + W::at(shift + c);
        const Part dz = z > 0 ? W::at(dy + i) : Part{};
        sum += dz;
        product += dz * (W::at(x + i) - W::at(mean + c));
      });
}

template <class W, class Number, class Value>
OPTDNN_INLINE void map_rows(int64_t N, int64_t C, Number* out, Value value) {
  for (int64_t n = 0; n < N; ++n) {
    for (int64_t c = 0; c < C; c += W::kOfPart) value(n * C + c, c, W::at(out + n * C + c));
  }
}

template <int kBytes, class Number>
OPTDNN_INLINE void map_forward(const Number* x, const Number* scale, const Number* shift, int64_t N, int64_t C,
                               Number* y) {
  using W = Wide<kBytes, Number>;
  using Part = typename W::Part;
  map_rows<W>(
      N, C, y, [=](int64_t i, int64_t c, Part & to) __attribute__((always_inline)) {
        const Part z = W::at(x + i) * W::at(scale + c) + W::at(shift + c);
        to = z < 0 ? Part{} : z;
      });
}

template <int kBytes, bool kMore, class Number>
OPTDNN_INLINE void map_backward(const Number* dy, const Number* x, const Number* scale, const Number* shift,
                                const Number* slope, const Number* offset, const Number* more, int64_t N, int64_t C,
                                Number* dx) {
  using W = Wide<kBytes, Number>;
  using Part = typename W::Part;
  map_rows<W>(
      N, C, dx, [=](int64_t i, int64_t c, Part & to) __attribute__((always_inline)) {
        const Part z = W::at(x + i) * W::at(scale + c) + W::at(shift + c);
        const Part dz = z > 0 ? W::at(dy + i) : Part{};
        const Part found = W::at(scale + c) * dz + (W::at(slope + c) * W::at(x + i) + W::at(offset + c));
        to = kMore ? W::at(more + i) + found : found;
      });
}

// The same for each processor and number type.
#define OPTDNN_PER_NUMBER(target, bytes, Number)                                                                       \
  target void moments_of(const Number* x, const Number* about, int64_t N, int64_t C, Number* sums, Number* squares) {  \
    sum_moments<bytes>(x, about, N, C, sums, squares);                                                                 \
  }                                                                                                                    \
  target void sums_of(const Number* dy, const Number* x, const Number* scale, const Number* shift, const Number* mean, \
                      int64_t N, int64_t C, Number* sums, Number* products) {                                          \
    sum_backward<bytes>(dy, x, scale, shift, mean, N, C, sums, products);                                              \
  }                                                                                                                    \
  target void map_of(const Number* x, const Number* scale, const Number* shift, int64_t N, int64_t C, Number* y) {     \
    map_forward<bytes>(x, scale, shift, N, C, y);                                                                      \
  }                                                                                                                    \
  target void back_of(const Number* dy, const Number* x, const Number* scale, const Number* shift,                     \
                      const Number* slope, const Number* offset, const Number* more, int64_t N, int64_t C,             \
                      Number* dx) {                                                                                    \
    if (more) {                                                                                                        \
      map_backward<bytes, true>(dy, x, scale, shift, slope, offset, more, N, C, dx);                                   \
    } else {                                                                                                           \
      map_backward<bytes, false>(dy, x, scale, shift, slope, offset, more, N, C, dx);                                  \
    }                                                                                                                  \
  }
#define OPTDNN_DEFINE(target, bytes) OPTDNN_PER_NUMBER(target, bytes, float) OPTDNN_PER_NUMBER(target, bytes, double)
OPTDNN_EACH_PROCESSOR(OPTDNN_DEFINE)
#undef OPTDNN_DEFINE
#undef OPTDNN_PER_NUMBER

template <class Number>
int64_t rows_of_piece(int64_t C) {
  return kBlocksPerPiece * whole_rows<Number>(C, kBlock) / C;
}

template <class Number>
int64_t pieces_of(int64_t N, int64_t C) {
  return (N + rows_of_piece<Number>(C) - 1) / rows_of_piece<Number>(C);
}

// Calls each(piece, first row, rows) for all blocks, those of a piece in their order, on LibTorch's threads, and asks
// for what the next one reads of `sources`.
template <class Number, class Each>
void for_each_block(int64_t N, int64_t C, std::initializer_list<const Number*> sources, Each each) {
  const int64_t at_once = whole_rows<Number>(C, kBlock) / C, of_piece = rows_of_piece<Number>(C);
  at::parallel_for(0, pieces_of<Number>(N, C), 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin * of_piece; row < std::min(N, end * of_piece); row += at_once) {
      for (const Number* source : sources) prefetch_block(source + (row + at_once) * C);
      each(row / of_piece, row, std::min(at_once, N - row));
    }
  });
}

// The sums of all pieces, and of the rows read as one, per channel.
template <class Number>
std::vector<double> add_up(const std::vector<Number>& sums, int64_t C) {
  std::vector<double> sum(C);
  for (auto row = sums.begin(); row != sums.end(); row += C) {
    for (int64_t c = 0; c < C; ++c) sum[c] += row[c];
  }
  return sum;
}

}  // namespace

template <class Number>
int64_t rows_at_once(int64_t C) {
  return kLanesOfSums<Number> / std::gcd(C, kLanesOfSums<Number>);
}

template <class Number>
int64_t whole_rows(int64_t C, int64_t count) {
  const int64_t wide_C = C * rows_at_once<Number>(C);
  return std::max(int64_t{1}, count / wide_C) * wide_C;
}

ChannelMoments moments_about(const std::vector<double>& about, std::vector<double> sums, std::vector<double> squares,
                             double count) {
  for (size_t c = 0; c < about.size(); ++c) {
    const double shift = sums[c] / count, found = squares[c] / count - shift * shift;
    squares[c] = found < 0 ? 0.0 : found;  // NaN stays NaN
    sums[c] = shift + about[c];
  }
  return {std::move(sums), std::move(squares)};
}

template <class Number>
MomentSums<Number>::MomentSums(const Number* first_row, int64_t C, int64_t pieces)
    : C_(C),
      wide_C_(C * rows_at_once<Number>(C)),
      about_(repeat<Number>(std::vector<Number>(first_row, first_row + C))),
      sums_(pieces * wide_C_),
      squares_(pieces * wide_C_) {}

template <class Number>
void MomentSums<Number>::add(int64_t piece, const Number* x_NC, int64_t N) {
  moments_of(x_NC, about_.data(), N * C_ / wide_C_, wide_C_, &sums_[piece * wide_C_], &squares_[piece * wide_C_]);
}

template <class Number>
ChannelMoments MomentSums<Number>::moments(int64_t N) const {
  return moments_about({about_.begin(), about_.begin() + C_}, add_up(sums_, C_), add_up(squares_, C_),
                       static_cast<double>(N));
}

template <class Number>
ChannelMoments channel_moments(const Number* x_NC, int64_t N, int64_t C) {
  MomentSums<Number> sums(x_NC, C, pieces_of<Number>(N, C));
  for_each_block<Number>(N, C, {x_NC},
                         [&](int64_t piece, int64_t row, int64_t rows) { sums.add(piece, x_NC + row * C, rows); });
  return sums.moments(N);
}

template <class Number>
void map_relu(const Number* x_NC, const ChannelMap& map, Number* y_NC, int64_t N, int64_t C) {
  const auto scale = repeat<Number>(map.scale), shift = repeat<Number>(map.shift);
  const auto wide_C = std::ssize(scale);
  for_each_block<Number>(N, C, {x_NC, y_NC}, [&](int64_t, int64_t row, int64_t rows) {
    map_of(x_NC + row * C, scale.data(), shift.data(), rows * C / wide_C, wide_C, y_NC + row * C);
  });
}

template <class Number>
ChannelSums relu_backward_sums(const Number* dy_NC, const Number* x_NC, const ChannelMap& map,
                               const std::vector<double>& mean, int64_t N, int64_t C) {
  const auto scale = repeat<Number>(map.scale), shift = repeat<Number>(map.shift), about = repeat<Number>(mean);
  const auto wide_C = std::ssize(scale);
  std::vector<Number> dz(pieces_of<Number>(N, C) * wide_C), dz_x(dz.size());
  for_each_block<Number>(N, C, {dy_NC, x_NC}, [&](int64_t piece, int64_t row, int64_t rows) {
    sums_of(dy_NC + row * C, x_NC + row * C, scale.data(), shift.data(), about.data(), rows * C / wide_C, wide_C,
            &dz[piece * wide_C], &dz_x[piece * wide_C]);
  });
  return {add_up(dz, C), add_up(dz_x, C)};
}

template <class Number>
ReluBackward<Number>::ReluBackward(const ChannelMap& map, const ChannelSlopes& slopes, int64_t C)
    : at_once_(rows_at_once<Number>(C)),
      wide_C_(C * at_once_),
      scale_(repeat<Number>(map.scale)),
      shift_(repeat<Number>(map.shift)),
      slope_(repeat<Number>(slopes.slope)),
      offset_(repeat<Number>(slopes.offset)) {}

template <class Number>
void ReluBackward<Number>::apply(const Number* dy_NC, const Number* x_NC, const Number* more_NC, Number* dx_NC,
                                 int64_t N) const {
  back_of(dy_NC, x_NC, scale_.data(), shift_.data(), slope_.data(), offset_.data(), more_NC, N / at_once_, wide_C_,
          dx_NC);
}

template <class Number>
void map_relu_backward(const Number* dy_NC, const Number* x_NC, const ReluBackward<Number>& map, Number* dx_NC,
                       int64_t N, int64_t C) {
  for_each_block<Number>(N, C, {dy_NC, x_NC, dx_NC}, [&](int64_t, int64_t row, int64_t rows) {
    map.apply(dy_NC + row * C, x_NC + row * C, nullptr, dx_NC + row * C, rows);
  });
}

#define OPTDNN_PER_NUMBER(Number)                                                                                      \
  template int64_t rows_at_once<Number>(int64_t);                                                                      \
  template int64_t whole_rows<Number>(int64_t, int64_t);                                                               \
  template class MomentSums<Number>;                                                                                   \
  template ChannelMoments channel_moments(const Number*, int64_t, int64_t);                                            \
  template void map_relu(const Number*, const ChannelMap&, Number*, int64_t, int64_t);                                 \
  template ChannelSums relu_backward_sums(const Number*, const Number*, const ChannelMap&, const std::vector<double>&, \
                                          int64_t, int64_t);                                                           \
  template class ReluBackward<Number>;                                                                                 \
  template void map_relu_backward(const Number*, const Number*, const ReluBackward<Number>&, Number*, int64_t, int64_t);
OPTDNN_PER_NUMBER(float)
OPTDNN_PER_NUMBER(double)

}  // namespace optdnn::kernels
