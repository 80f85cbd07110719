// Batch norm followed by relu over memory whose channels lie innermost: x_NC is N rows, one per sample and pixel, of C
// channels. Two passes forwards and two back; what relu lets pass is found again from x. Sums are those of fixed blocks
// of rows, added up in their order, so that no result depends on the number of threads.
// Source: Ioffe, Szegedy 2015. The variance is summed about the first row, so that a large mean does not cancel.
#pragma once

#include <cstdint>
#include <vector>

namespace optdnn::modules {

// Rows that are read as one, so that their channels fill whole vectors. All functions require N >= 1 and a multiple.
template <class Number>
int64_t rows_at_once(int64_t C);

struct ChannelMoments {
  std::vector<double> mean, variance;  // C each; of the N rows, biased
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

// dx = scale dz + slope x + offset.
template <class Number>
void map_relu_backward(const Number* dy_NC, const Number* x_NC, const ChannelMap& map, const std::vector<double>& slope,
                       const std::vector<double>& offset, Number* dx_NC, int64_t N, int64_t C);

}  // namespace optdnn::modules
