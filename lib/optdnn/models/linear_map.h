// Several values made of several others by linear combinations in turn, and the way back: the transposed tape, so that
// forwards and backwards a tensor passes through memory once, however many terms it is in.
#pragma once

#include <vector>

#include "optdnn/kernels/linear_run.h"

namespace optdnn::models {

using kernels::Tape;
using kernels::TapeDot;
using kernels::TapeOperation;
using kernels::TapeTerm;

struct LinearMap {
  // Requires a tape without modules; `outputs` are values of it, none twice.
  LinearMap(Tape tape, std::vector<int> outputs);

  Tape tape;
  std::vector<int> outputs;
  Tape back;                   // its inputs are the gradients of the outputs
  std::vector<int> gradients;  // of the inputs: values of `back`
  Tape again;                  // what of `tape` the derivatives by learned weights need
  std::vector<TapeDot> dots;   // between `again` and `back`: those derivatives
  std::vector<bool> kept;      // the inputs that `again` reads
};

}  // namespace optdnn::models
