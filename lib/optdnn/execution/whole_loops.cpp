#include "optdnn/execution/whole_loops.h"

#include "optdnn/kernels/combine_terms.h"

namespace optdnn::execution {

using namespace optdnn::kernels;

namespace {

template <int kBytes, class Number>
OPTDNN_INLINE void forward(const WholeRun<Number>& run) {
  const int64_t size = run.D * run.N;
  Number *out = run.values + run.program.inputs * size, *hidden = run.hidden;
  for (const Operation& operation : run.program.operations) {
    if (const auto* combined = std::get_if<Combine>(&operation.what)) {
      const auto at = [&](int value) __attribute__((always_inline)) { return run.values + value * size; };
      combine_terms(combined->terms, run.learned, at, out, size);
    } else if (const auto* call = std::get_if<Call>(&operation.what)) {
      const TwoLayerSizes& sizes = run.sizes[call->module];
      two_layer<kBytes>(sizes, run.modules[call->module], run.values + call->argument * size, hidden, out);
      hidden += sizes.H * run.N;
    }
    out += size;
  }
}

template <int kBytes, class Number>
OPTDNN_INLINE void backward(const WholeRun<Number>& run, const WholeGradients<Number>& d) {
  const int64_t size = run.D * run.N;
  const Number* hidden = run.hidden;
  for (const Operation& operation : run.program.operations) {
    if (const auto* call = std::get_if<Call>(&operation.what)) hidden += run.sizes[call->module].H * run.N;
  }
  const Number* dout = d.values + run.program.values * size;
  for (auto operation = run.program.operations.rbegin(); operation != run.program.operations.rend(); ++operation) {
    dout -= size;
    if (const auto* call = std::get_if<Call>(&operation->what)) {
      const TwoLayerSizes& sizes = run.sizes[call->module];
      hidden -= sizes.H * run.N;
      const Number* before = hidden - run.hidden >= sizes.H * run.N ? hidden - sizes.H * run.N : nullptr;
      two_layer_backward<kBytes>(sizes, run.modules[call->module], run.values + call->argument * size, hidden, before,
                                 dout, d.room, d.values + call->argument * size, d.modules[call->module]);
    } else if (const auto* combined = std::get_if<Combine>(&operation->what)) {
      for (const Term& term : combined->terms) {
        const Number weight = weight_of(term, run.learned);
        weighted_rows<true, 1>(Number(0), &weight, &dout, d.values + term.value * size, size);
        if (!term.is_constant()) {
          dots<kBytes, 1>(dout, run.values + term.value * size, size, size, d.learned + term.learned);
        }
      }
    }
  }
}

#define OPTDNN_DEFINE(target, bytes)                                                                               \
  target void forward_of(const WholeRun<float>& run) { forward<bytes>(run); }                                      \
  target void forward_of(const WholeRun<double>& run) { forward<bytes>(run); }                                     \
  target void backward_of(const WholeRun<float>& run, const WholeGradients<float>& d) { backward<bytes>(run, d); } \
  target void backward_of(const WholeRun<double>& run, const WholeGradients<double>& d) { backward<bytes>(run, d); }
OPTDNN_EACH_PROCESSOR(OPTDNN_DEFINE)
#undef OPTDNN_DEFINE

}  // namespace

template <class Number>
void run_forward(const WholeRun<Number>& run) {
  forward_of(run);
}

template <class Number>
void run_backward(const WholeRun<Number>& run, const WholeGradients<Number>& gradients) {
  backward_of(run, gradients);
}

template void run_forward(const WholeRun<float>&);
template void run_forward(const WholeRun<double>&);
template void run_backward(const WholeRun<float>&, const WholeGradients<float>&);
template void run_backward(const WholeRun<double>&, const WholeGradients<double>&);

}  // namespace optdnn::execution
