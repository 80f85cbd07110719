// Batch norm followed by relu over memory whose channels lie innermost: x_NC is N rows, one per sample and pixel, of C
// channels. Two passes forward and two backward; what relu lets pass is found again from x. Sums are those of fixed
// pieces of rows, added up in their order, so that no result depends on the number of threads. Source: Ioffe, Szegedy
// 2015. The variance is summed about the first row, so that a large mean does not cancel.
#pragma once

#include <cstdint>
#include <vector>

namespace optdnn::kernels {

// Rows that are read as one, so that their channels fill whole vectors. All that follows takes multiples of it.
template <class Number>
int64_t rows_at_once(int64_t C);

// About `count` numbers that are a multiple of such rows.
template <class Number>
int64_t whole_rows(int64_t C, int64_t count);

struct ChannelMoments {
  std::vector<double> mean, variance;  // C each; of all rows, biased
};

// Of `count` numbers a channel whose differences from `about`, and squares of these, come to so much.
ChannelMoments moments_about(const std::vector<double>& about, std::vector<double> sums, std::vector<double> squares,
                             double count);

// Moments of rows that come block by block, as whoever makes them has them at hand. Blocks of one piece come in their
// order; pieces may come on several threads.
template <class Number>
class MomentSums {
 public:
  MomentSums(const Number* first_row, int64_t C, int64_t pieces);
  void add(int64_t piece, const Number* x_NC, int64_t N);
  ChannelMoments moments(int64_t N) const;  // of the N rows there were

 private:
  int64_t C_, wide_C_;
  std::vector<Number> about_, sums_, squares_;
};

template <class Number>
ChannelMoments channel_moments(const Number* x_NC, int64_t N, int64_t C);

// z = scale x + shift per channel, y = max(z, 0). NaN stays NaN.
struct ChannelMap {
  std::vector<double> scale, shift;  // C each
};
template <class Number>
void map_relu(const Number* x_NC, const ChannelMap& map, Number* y_NC, int64_t N, int64_t C);

// Of dz, which is dy where z > 0 and zero elsewhere.
struct ChannelSums {
  std::vector<double> dz, dz_x;  // C each; of dz, and of dz (x - mean)
};
template <class Number>
ChannelSums relu_backward_sums(const Number* dy_NC, const Number* x_NC, const ChannelMap& map,
                               const std::vector<double>& mean, int64_t N, int64_t C);

// dx = scale dz + slope x + offset + more, on the thread that calls it. `more` may be null, or dx itself.
struct ChannelSlopes {
  std::vector<double> slope, offset;  // C each
};
template <class Number>
class ReluBackward {
 public:
  ReluBackward(const ChannelMap& map, const ChannelSlopes& slopes, int64_t C);
  void apply(const Number* dy_NC, const Number* x_NC, const Number* more_NC, Number* dx_NC, int64_t N) const;

 private:
  int64_t at_once_, wide_C_;
  std::vector<Number> scale_, shift_, slope_, offset_;
};

// The same for all rows, without `more`, on all threads.
template <class Number>
void map_relu_backward(const Number* dy_NC, const Number* x_NC, const ReluBackward<Number>& map, Number* dx_NC,
                       int64_t N, int64_t C);

}  // namespace optdnn::kernels
