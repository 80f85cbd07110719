// The certificate of a tableau that varies from step to step or grows: how far the result of one module call reaches.
//
//   stability constant M(K) = the largest |entry| of [C_k; c_k] A_{k-1} ... A_{j+1} B_j over j < k <= K (k = K: c only)
#pragma once

#include <array>

#include "optdnn/algorithms/rule.h"

namespace optdnn::algorithms {

// What the calls of K steps do to the output.
struct MeanEffect {
  std::vector<double> mean;  // by family: the sum of c A_{K-1} ... A_{j+1} B_j 1_f over j, by K
  // A call's time is the share of the whole effect that had reached its argument, in the family that does most. In a
  // flow the calls up to time t have done the share t. This is the largest difference from that.
  double unevenness = 0.0;
};

struct Response {
  bool preconsistent = false;         // A_k q_k = q_{k+1} (one q where the state does not grow), C_k q_k = 1
  bool reads = false;                 // c_k q_k = 1
  bool started = false;               // what start - q leaves in arguments and output decays
  std::vector<double> stability;      // by K, from 0 to `steps`
  std::array<MeanEffect, 3> effects;  // at K = steps/4, steps/2, steps
};

// Requires `steps` divisible by 4.
Response measure_response(const Rule& rule, int steps, const LeafValues& values);

}  // namespace optdnn::algorithms
