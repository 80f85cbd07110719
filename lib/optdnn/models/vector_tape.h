// The steps of a stage written out for small vector states: values in order, each a linear combination of earlier ones
// or a two-layer module's result. Runs forwards and backwards over plain memory, one run of the network at a time, in
// the vector instructions of whatever processor it meets.
#pragma once

#include <vector>

#include "optdnn/modules/two_layer_kernel.h"

namespace optdnn::models {

struct TapeTerm {
  int value;
  double weight;
  int learned = -1;  // which learned weight takes the place of `weight`
};

struct TapeOperation {
  int module = -1;              // -1: a linear combination of `terms`, zero without any
  int argument = 0;             // of a module: the value it reads
  std::vector<TapeTerm> terms;  // of a combination
};

struct Tape {
  int inputs = 0;                         // values 0, 1, ... that are given; then one per operation
  std::vector<TapeOperation> operations;  // each reads values before its own
  int values() const { return inputs + static_cast<int>(operations.size()); }
};

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
