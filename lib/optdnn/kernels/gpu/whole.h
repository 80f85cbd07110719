// Arguments of the kernels of whole.cuh. For C++ and CUDA alike.
#pragma once

namespace optdnn::kernels::gpu {

constexpr int kMostLayers = 68, kMostStates = 56, kMostCoefficients = 32;
enum WholeActivation : short { kTanh, kSigmoid, kRelu };

// W1 (H x D), b1, W2 (D x H), b2 of the first run; those of the others follow one another.
template <class Number>
struct WholeWeights {
  Number *W1, *b1, *W2, *b2;
};

struct alignas(16) WholeTerm {
  int value, place;
  int learned;  // or -1: it is `weight`
  float weight;
};

// A combination of the terms [begin, end), or the call of a layer. Every value has a place of its block's memory while
// it is read.
struct alignas(16) WholeOperation {
  int value, place;
  int layer;  // or -1
  int begin, end;
  int argument, argument_place, hidden;  // of a call; its first row among the hidden values of all calls
};

// Shapes: values are D x N, inputs and outputs N x D, for each run. H may be another for each layer.
struct WholeProgram {
  const WholeOperation* operations;
  const WholeTerm* terms;
  int count;  // of the operations
  int layers, places, inputs, outputs, values, hidden_rows;
  int D, N, most_hidden;
  short hidden[kMostLayers];
  WholeActivation activation[kMostLayers];
  int begin[kMostLayers + 1];               // of each layer's weights in a block's memory, and of what is behind them
  const float* learned[kMostCoefficients];  // a number of each run
};

// `lanes` neighbouring threads take a sample: a power of two, 32 at most.
struct WholePass {
  WholeProgram program;
  WholeWeights<const float> weights[kMostLayers];
  int lanes;
  // Of all samples: forwards values and hidden layers are kept, unless null; backwards `hidden` is what was kept, and
  // the gradients of both are.
  float *values, *hidden, *d_hidden;
  const float* given[kMostStates];  // inputs, or backwards the gradients of outputs, where they are null if zero
  float* made[kMostStates];         // the others
  short places[kMostStates];        // of the outputs, which are read or written there
};

// What the backward pass leaves: `values` and `hidden` are those of the forward pass, d_values and d_hidden, before the
// activation, of the backward pass.
struct WholeSums {
  WholeProgram program;
  const float *values, *hidden, *d_values, *d_hidden;
  WholeWeights<float> weights[kMostLayers];
  int lanes, sums, learned, runs;  // neighbouring threads that make a sum; sums of a run's layers; learned weights
  float* d_learned;                // learned x runs
};

static_assert(sizeof(WholePass) <= 4096 && sizeof(WholeSums) <= 4096, "arguments of a kernel");

}  // namespace optdnn::kernels::gpu
