// Products with matrices of a few rows and columns, over many samples that lie innermost: in_KN is K rows of N samples.
// One plain loop each, which the compiler turns into vector instructions of whatever the processor has.
#pragma once

#include <cstdint>

namespace optdnn::modules {

// out_MN = W_MK in_KN + b_M; the element (m, k) of W is W[m row_stride + k column_stride]. No bias where b is null.
template <class Number>
void multiply(const Number* W, int64_t row_stride, int64_t column_stride, const Number* b, const Number* in,
              Number* out, int64_t M, int64_t K, int64_t N);

// W_MK += left_MN right_KN^T and, where it is not null, b_M += the sums of left's rows.
template <class Number>
void accumulate_outer(const Number* left, const Number* right, Number* W, Number* b, int64_t M, int64_t K, int64_t N);

}  // namespace optdnn::modules
