#include "optdnn/models/vector_tape.h"

#include "optdnn/kernels/combine_terms.h"

namespace optdnn::models {

using namespace optdnn::kernels;
using namespace optdnn::modules;

namespace {

template <class Number>
OPTDNN_INLINE void forward(const TapeRun<Number>& run) {
  const int64_t size = run.D * run.N;
  Number *out = run.values + run.tape.inputs * size, *hidden = run.hidden;
  for (const TapeOperation& operation : run.tape.operations) {
    if (operation.module < 0) {
      const auto at = [&](int value) __attribute__((always_inline)) { return run.values + value * size; };
      combine_terms(operation.terms, run.learned, at, out, size);
    } else {
      const TwoLayerSizes& sizes = run.sizes[operation.module];
      two_layer(sizes, run.modules[operation.module], run.values + operation.argument * size, hidden, out);
      hidden += sizes.H * run.N;
    }
    out += size;
  }
}

template <class Number>
OPTDNN_INLINE void backward(const TapeRun<Number>& run, const TapeGradients<Number>& d) {
  const int64_t size = run.D * run.N;
  const Number* hidden = run.hidden;
  for (const TapeOperation& operation : run.tape.operations) {
    if (operation.module >= 0) hidden += run.sizes[operation.module].H * run.N;
  }
  const Number* dout = d.values + run.tape.values() * size;
  for (auto operation = run.tape.operations.rbegin(); operation != run.tape.operations.rend(); ++operation) {
    dout -= size;
    if (operation->module >= 0) {
      const TwoLayerSizes& sizes = run.sizes[operation->module];
      hidden -= sizes.H * run.N;
      const Number* before = hidden - run.hidden >= sizes.H * run.N ? hidden - sizes.H * run.N : nullptr;
      two_layer_backward(sizes, run.modules[operation->module], run.values + operation->argument * size, hidden, before,
                         dout, d.room, d.values + operation->argument * size, d.modules[operation->module]);
      continue;
    }
    for (const TapeTerm& term : operation->terms) {
      const Number weight = weight_of(term, run.learned);
      weighted_rows<true, 1>(Number(0), &weight, &dout, d.values + term.value * size, size);
      if (term.learned >= 0) dots<1>(dout, run.values + term.value * size, size, size, d.learned + term.learned);
    }
  }
}

OPTDNN_EACH_PROCESSOR void forward_32(const TapeRun<float>& run) { forward(run); }
OPTDNN_EACH_PROCESSOR void forward_64(const TapeRun<double>& run) { forward(run); }
OPTDNN_EACH_PROCESSOR void backward_32(const TapeRun<float>& run, const TapeGradients<float>& d) { backward(run, d); }
OPTDNN_EACH_PROCESSOR void backward_64(const TapeRun<double>& run, const TapeGradients<double>& d) { backward(run, d); }

}  // namespace

template <>
void run_forward(const TapeRun<float>& run) {
  forward_32(run);
}
template <>
void run_forward(const TapeRun<double>& run) {
  forward_64(run);
}
template <>
void run_backward(const TapeRun<float>& run, const TapeGradients<float>& gradients) {
  backward_32(run, gradients);
}
template <>
void run_backward(const TapeRun<double>& run, const TapeGradients<double>& gradients) {
  backward_64(run, gradients);
}

}  // namespace optdnn::models
