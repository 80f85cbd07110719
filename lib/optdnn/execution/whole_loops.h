// A program of two-layer modules for small vector states, forward and backward over plain memory, one run of the
// network at a time.
#pragma once

#include "optdnn/execution/program.h"
#include "optdnn/kernels/two_layer.h"

namespace optdnn::execution {

// What one run of the network brings: D features of N samples.
template <class Number>
struct WholeRun {
  const Program& program;
  const kernels::TwoLayerSizes* sizes;                     // by module
  const kernels::TwoLayerPointers<const Number>* modules;  // by module
  const Number* learned;                                   // by learned weight
  int64_t D, N;
  Number* values;  // program.values x D x N; the inputs are filled in
  Number* hidden;  // H x N for each call, one after the other
};

template <class Number>
struct WholeGradients {
  Number* values;  // of the result with respect to each; the outputs' filled in, else zero
  const kernels::TwoLayerPointers<Number>* modules;  // added to
  Number* learned;                                   // added to
  Number* room;                                      // as large as the largest H x N
};

template <class Number>
void run_forward(const WholeRun<Number>& run);

// Requires what run_forward left in `run`.
template <class Number>
void run_backward(const WholeRun<Number>& run, const WholeGradients<Number>& gradients);

}  // namespace optdnn::execution
