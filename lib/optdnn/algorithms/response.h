// The certificate of a tableau that varies from step to step or grows: how far the result of one module call reaches.
//
//   stability constant M(K) = the largest |entry| of [C_k; c_k] A_{k-1} ... A_{j+1} B_j over j < k <= K (k = K: c only)
#pragma once

#include <array>

#include "optdnn/algorithms/rule.h"

namespace optdnn::algorithms {

struct Response {
  bool preconsistent = false;     // A_k q_k = q_{k+1} (one q where the state does not grow), C_k q_k = 1
  bool reads = false;             // c_k q_k = 1
  bool started = false;           // what start - q leaves in arguments and output decays
  std::vector<double> stability;  // by K, from 0 to `steps`
  // By family: the mean over j of c A_{K-1} ... A_{j+1} B_j 1_f at K = steps/4, steps/2, steps.
  std::vector<std::array<double, 3>> mean_step;
};

// Requires `steps` divisible by 4.
Response measure_response(const Rule& rule, int steps, const LeafValues& values);

// The rule's numbers are the same at each of its first `steps` steps.
bool is_constant_at(const Rule& rule, int steps, const LeafValues& values);

}  // namespace optdnn::algorithms
