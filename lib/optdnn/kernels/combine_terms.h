// One linear combination over plain memory, to be inlined (small_matrix.h).
#pragma once

#include "optdnn/kernels/combinations.h"
#include "optdnn/kernels/small_matrix.h"

namespace optdnn::kernels {

template <class Number>
OPTDNN_INLINE Number weight_of(const Term& term, const Number* learned) {
  return term.is_constant() ? static_cast<Number>(term.weight) : learned[term.learned];
}

// out_N = the sum of the terms, zero without any; at(value) is where a value's N numbers lie.
template <class Number, class At>
OPTDNN_INLINE void combine_terms(const Terms& terms, const Number* learned, At at, Number* out, int64_t N) {
  if (terms.empty()) std::fill(out, out + N, Number(0));
  const auto term = [&](int64_t i, Number & weight, const Number*& source) __attribute__((always_inline)) {
    weight = weight_of(terms[i], learned);
    source = at(terms[i].value);
  };
  weighted_sum<false>(static_cast<int64_t>(terms.size()), Number(0), term, out, N);
}

}  // namespace optdnn::kernels
