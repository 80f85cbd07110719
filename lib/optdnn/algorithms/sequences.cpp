#include "optdnn/algorithms/sequences.h"

#include <cmath>

namespace optdnn::algorithms {

namespace {

// Values are kept, since nesterov_dense asks for all of them at every entry.
double theta(int k) {
  thread_local std::vector<double> known{1.0};
  while (static_cast<int>(known.size()) <= k) {
    const double square = known.back() * known.back();
    known.push_back((std::sqrt(square * square + 4.0 * square) - square) / 2.0);
  }
  return known[k];
}

double fista(int k) { return k == 0 ? 0.0 : theta(k) * (1.0 - theta(k - 1)) / theta(k - 1); }

// With c_i = fista_{i+1}: h_{k,k-1} = 1 + c_{k-1} and h_{k,j} = c_j c_{j+1} ... c_{k-1} below.
std::optional<double> nesterov_dense(int k, int j) {
  if (j >= k) return std::nullopt;
  if (j == k - 1) return 1.0 + fista(k);
  double product = 1.0;
  for (int i = k; i > j && product != 0.0; --i) product *= fista(i);
  return product;
}

}  // namespace

const std::vector<Sequence>& sequences() {
  static const std::vector<Sequence> all = {
      {"theta", "1, .6180, .4559, ...: the weights of accelerated gradient methods", 1,
       [](const std::vector<int>& at) -> std::optional<double> { return theta(at[0]); }},
      {"fista", "0, 0, .2818, .4340, ...: the momentum of FISTA", 1,
       [](const std::vector<int>& at) -> std::optional<double> { return fista(at[0]); }},
      {"nesterov_dense", "the weight of gradient j in iterate k of Nesterov's method, j < k", 2,
       [](const std::vector<int>& at) { return nesterov_dense(at[0], at[1]); }},
  };
  return all;
}

const Sequence* find_sequence(std::string_view name) {
  for (const Sequence& sequence : sequences()) {
    if (sequence.name == name) return &sequence;
  }
  return nullptr;
}

}  // namespace optdnn::algorithms
