#include "optdnn/kernels/linear_run.h"

#include <ATen/Parallel.h>

#include <utility>

#include "optdnn/kernels/combine_terms.h"

namespace optdnn::kernels {

namespace {

constexpr int64_t kBlocksPerPiece = 16;  // whose dots are summed in `Number`

template <class Number>
OPTDNN_INLINE void combine_block(const Combinations& of, const Number* learned, Number* const* values, int64_t count) {
  Number* const* out = values + of.inputs;
  for (const Terms& terms : of.made) {
    const auto at = [&](int value) __attribute__((always_inline)) { return values[value]; };
    combine_terms(terms, learned, at, *out++, count);
  }
}

template <int kBytes, class Number>
OPTDNN_INLINE Number dot_of(const Number* a, const Number* b, int64_t count) {
  Number sum = 0;
  dots<kBytes, 1>(a, b, count, count, &sum);
  return sum;
}

#define OPTDNN_DEFINE(target, bytes)                                                                         \
  target void combine(const Combinations& of, const float* learned, float* const* values, int64_t count) {   \
    combine_block(of, learned, values, count);                                                               \
  }                                                                                                          \
  target void combine(const Combinations& of, const double* learned, double* const* values, int64_t count) { \
    combine_block(of, learned, values, count);                                                               \
  }                                                                                                          \
  target float dot(const float* a, const float* b, int64_t count) { return dot_of<bytes>(a, b, count); }     \
  target double dot(const double* a, const double* b, int64_t count) { return dot_of<bytes>(a, b, count); }
OPTDNN_EACH_PROCESSOR(OPTDNN_DEFINE)
#undef OPTDNN_DEFINE

// One thread's place in a run: where each value's block lies, in its memory or in room of its own.
template <class Number>
class Place {
 public:
  explicit Place(const LinearRun<Number>& run) : run_(run), room_(run.values.size() * run.block), values_(run.values) {}

  void combine_at(int64_t piece, int64_t begin, int64_t count, const Number* learned) {
    for (size_t v = 0; v < values_.size(); ++v) {
      values_[v] = run_.values[v] ? run_.values[v] + begin : room_.data() + v * run_.block;
      if (run_.values[v]) prefetch_block(values_[v] + count);
    }
    const LinearBlock<Number> block{piece, begin, count, values_.data()};
    if (run_.before) run_.before(block);
    combine(run_.combinations, learned, values_.data(), count);
    if (run_.after) run_.after(block);
  }
  const Number* value(int v) const { return values_[v]; }

 private:
  const LinearRun<Number>& run_;
  std::vector<Number> room_;
  std::vector<Number*> values_;
};

// Calls each(places, piece, begin, count) for all blocks; the places are made anew for each thread.
template <class Number, class MakePlaces, class Each>
void for_each_block(const LinearRun<Number>& run, int64_t count, MakePlaces make_places, Each each) {
  const int64_t size = run.block * kBlocksPerPiece;
  at::parallel_for(0, run.pieces(count), 1, [&](int64_t first, int64_t last) {
    auto places = make_places();
    for (int64_t piece = first; piece < last; ++piece) {
      for (int64_t begin = piece * size; begin < std::min(count, (piece + 1) * size); begin += run.block) {
        each(places, piece, begin, std::min(run.block, count - begin));
      }
    }
  });
}

}  // namespace

template <class Number>
int64_t LinearRun<Number>::pieces(int64_t count) const {
  const int64_t size = block * kBlocksPerPiece;
  return (count + size - 1) / size;
}

template <class Number>
void run_linear(const LinearRun<Number>& run, const std::vector<Number>& learned, int64_t count) {
  for_each_block(
      run, count, [&] { return Place<Number>(run); },
      [&](Place<Number>& place, int64_t piece, int64_t begin, int64_t size) {
        place.combine_at(piece, begin, size, learned.data());
      });
}

template <class Number>
std::vector<double> run_linear(const LinearRun<Number>& a, const LinearRun<Number>& b, const std::vector<Dot>& dots,
                               const std::vector<Number>& learned, int64_t count) {
  const int64_t L = std::ssize(learned);
  std::vector<Number> sums(b.pieces(count) * L);
  for_each_block(
      b, count, [&] { return std::pair(Place<Number>(a), Place<Number>(b)); },
      [&](auto& places, int64_t piece, int64_t begin, int64_t size) {
        places.first.combine_at(piece, begin, size, learned.data());
        places.second.combine_at(piece, begin, size, learned.data());
        for (const Dot& d : dots) {
          sums[piece * L + d.learned] += dot(places.first.value(d.a), places.second.value(d.b), size);
        }
      });
  std::vector<double> total(L);
  for (size_t i = 0; i < sums.size(); ++i) total[i % L] += sums[i];
  return total;
}

#define OPTDNN_PER_NUMBER(Number)                                                                                      \
  template struct LinearRun<Number>;                                                                                   \
  template void run_linear(const LinearRun<Number>&, const std::vector<Number>&, int64_t);                             \
  template std::vector<double> run_linear(const LinearRun<Number>&, const LinearRun<Number>&, const std::vector<Dot>&, \
                                          const std::vector<Number>&, int64_t);
OPTDNN_PER_NUMBER(float)
OPTDNN_PER_NUMBER(double)

}  // namespace optdnn::kernels
