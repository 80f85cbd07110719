// A rule unrolled: the weights of the input and of every module result in each module's argument and in the output.
// Two rules are the same network when these agree up to one scale per call and step.
#pragma once

#include <map>
#include <vector>

#include "optdnn/algorithms/rule.h"

namespace optdnn::algorithms {

struct UnrolledCall {
  int step, family, fresh;
};

struct Unrolled {
  std::vector<UnrolledCall> calls;
  Eigen::MatrixXd weights;  // a row per call, then the output; a column for the input, then one per call
};

// Only calls that reach the output are kept.
Unrolled unroll(const Rule& rule, int depth);

// The largest difference of weights after the best scale per call; infinite if the calls themselves differ.
double difference(const Unrolled& a, const Unrolled& b);

}  // namespace optdnn::algorithms
