// Several values made of several others by linear combinations in turn, and its transpose for the backward pass: in
// both a tensor passes through memory once, however many terms it is in.
#pragma once

#include <optional>
#include <vector>

#include "optdnn/kernels/linear_run.h"

namespace optdnn::kernels {

struct LinearMap {
  // `outputs` are values, none twice.
  LinearMap(Combinations combinations, std::vector<int> outputs);

  Combinations combinations;
  std::vector<int> outputs;
  Combinations transposed;     // its inputs are the gradients of the outputs
  std::vector<int> gradients;  // of the inputs: values of `transposed`
  Combinations again;          // what of `combinations` the derivatives by learned weights need
  std::vector<Dot> dots;       // between `again` and `transposed`: those derivatives
  std::vector<bool> kept;      // the inputs that `again` reads
  // By output the weights of the inputs in it; nothing where learned ones are in them.
  std::vector<std::vector<std::optional<double>>> matrix;
};

}  // namespace optdnn::kernels
