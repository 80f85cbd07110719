// A tape of two-layer modules for small vector states, run forwards and backwards over plain memory, one run of the
// network at a time.
#pragma once

#include "optdnn/kernels/tape.h"
#include "optdnn/modules/two_layer_kernel.h"

namespace optdnn::models {

using kernels::Tape;
using kernels::TapeOperation;
using kernels::TapeTerm;

// What one run of the network brings: D features of N samples.
template <class Number>
struct TapeRun {
  const Tape& tape;
  const modules::TwoLayerSizes* sizes;                     // by module
  const modules::TwoLayerPointers<const Number>* modules;  // by module
  const Number* learned;                                   // by learned weight
  int64_t D, N;
  Number* values;  // tape.values() x D x N; the inputs are filled in
  Number* hidden;  // H x N for each operation that is a module, one after the other
};

template <class Number>
struct TapeGradients {
  Number* values;  // of the result with respect to each; the outputs' filled in, else zero
  const modules::TwoLayerPointers<Number>* modules;  // added to
  Number* learned;                                   // added to
  Number* room;                                      // as large as the largest H x N
};

template <class Number>
void run_forward(const TapeRun<Number>& run);

// Requires what run_forward left in `run`.
template <class Number>
void run_backward(const TapeRun<Number>& run, const TapeGradients<Number>& gradients);

}  // namespace optdnn::models
