#include "optdnn/models/linear_kernel.h"

#include <ATen/Parallel.h>

#include "optdnn/models/tape_kernel.h"

namespace optdnn::models {

using namespace optdnn::modules;

namespace {

constexpr int64_t kBlock = 1024;       // numbers of each value that are worked on at a time
constexpr int64_t kBlocksPerSum = 16;  // whose dots are summed in `Number`

template <class Number>
OPTDNN_INLINE void combine_block(const Tape& tape, const Number* learned, Number* const* values, int64_t count) {
  Number* const* out = values + tape.inputs;
  for (const TapeOperation& operation : tape.operations) {
    const auto at = [&](int value) __attribute__((always_inline)) { return values[value]; };
    combine_terms(operation.terms, learned, at, *out++, count);
  }
}

OPTDNN_EACH_PROCESSOR void combine(const Tape& tape, const float* learned, float* const* values, int64_t count) {
  combine_block(tape, learned, values, count);
}
OPTDNN_EACH_PROCESSOR void combine(const Tape& tape, const double* learned, double* const* values, int64_t count) {
  combine_block(tape, learned, values, count);
}
OPTDNN_EACH_PROCESSOR float dot(const float* a, const float* b, int64_t count) {
  float sum = 0;
  dots<1>(a, b, count, count, &sum);
  return sum;
}
OPTDNN_EACH_PROCESSOR double dot(const double* a, const double* b, int64_t count) {
  double sum = 0;
  dots<1>(a, b, count, count, &sum);
  return sum;
}

// One thread's place in a run: where each value's block lies, in its memory or in room of its own.
template <class Number>
class Place {
 public:
  explicit Place(const LinearRun<Number>& run) : run_(run), room_(run.values.size() * kBlock), values_(run.values) {}

  void combine_at(int64_t begin, const Number* learned, int64_t count) {
    for (size_t v = 0; v < values_.size(); ++v) {
      values_[v] = run_.values[v] ? run_.values[v] + begin : room_.data() + v * kBlock;
    }
    combine(run_.tape, learned, values_.data(), count);
  }
  const Number* value(int v) const { return values_[v]; }

 private:
  const LinearRun<Number>& run_;
  std::vector<Number> room_;
  std::vector<Number*> values_;
};

int64_t pieces(int64_t count, int64_t size) { return (count + size - 1) / size; }

}  // namespace

template <class Number>
void run_linear(const LinearRun<Number>& run, const std::vector<Number>& learned, int64_t count) {
  at::parallel_for(0, pieces(count, kBlock), kBlocksPerSum, [&](int64_t first, int64_t last) {
    Place<Number> place(run);
    for (int64_t block = first; block < last; ++block) {
      place.combine_at(block * kBlock, learned.data(), std::min(kBlock, count - block * kBlock));
    }
  });
}

template <class Number>
std::vector<double> run_linear(const LinearRun<Number>& a, const LinearRun<Number>& b, const std::vector<TapeDot>& dots,
                               const std::vector<Number>& learned, int64_t count) {
  constexpr int64_t kPiece = kBlock * kBlocksPerSum;
  const int64_t L = std::ssize(learned);
  std::vector<Number> sums(pieces(count, kPiece) * L);
  at::parallel_for(0, pieces(count, kPiece), 1, [&](int64_t first, int64_t last) {
    Place<Number> place_a(a), place_b(b);
    for (int64_t piece = first; piece < last; ++piece) {
      for (int64_t begin = piece * kPiece; begin < std::min(count, (piece + 1) * kPiece); begin += kBlock) {
        const int64_t size = std::min(kBlock, count - begin);
        place_a.combine_at(begin, learned.data(), size);
        place_b.combine_at(begin, learned.data(), size);
        for (const TapeDot& d : dots) sums[piece * L + d.learned] += dot(place_a.value(d.a), place_b.value(d.b), size);
      }
    }
  });
  std::vector<double> total(L);
  for (size_t i = 0; i < sums.size(); ++i) total[i % L] += sums[i];
  return total;
}

#define OPTDNN_PER_NUMBER(Number)                                                             \
  template void run_linear(const LinearRun<Number>&, const std::vector<Number>&, int64_t);    \
  template std::vector<double> run_linear(const LinearRun<Number>&, const LinearRun<Number>&, \
                                          const std::vector<TapeDot>&, const std::vector<Number>&, int64_t);
OPTDNN_PER_NUMBER(float)
OPTDNN_PER_NUMBER(double)

}  // namespace optdnn::models
