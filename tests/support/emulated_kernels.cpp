#include "support/emulated_kernels.h"

#include <algorithm>

#include "support/emulated_blocks.h"
// After the words they are written in.
#include "optdnn/kernels/gpu/batch.cuh"
#include "optdnn/kernels/gpu/batch_norm_gather.cuh"
#include "optdnn/kernels/gpu/batch_norm_relu.cuh"
#include "optdnn/kernels/gpu/cast.cuh"
#include "optdnn/kernels/gpu/columns.cuh"
#include "optdnn/kernels/gpu/combine.cuh"
#include "optdnn/kernels/gpu/convolve.cuh"
#include "optdnn/kernels/gpu/depthwise.cuh"
#include "optdnn/kernels/gpu/layer_norm.cuh"
#include "optdnn/kernels/gpu/learned.cuh"
#include "optdnn/kernels/gpu/update.cuh"
#include "optdnn/kernels/gpu/whole.cuh"

namespace optdnn::tests {

namespace {

using namespace kernels::gpu;
using Kernel = std::function<void(const void* arguments)>;

template <class Arguments>
Kernel taking(void (*kernel)(Arguments)) {
  return [kernel](const void* arguments) { kernel(*static_cast<const Arguments*>(arguments)); };
}

template <class Number, int kWidth, int kOutputs>
void add_combinations(const std::string& type, std::map<std::string, Kernel>& all) {
  const std::string of = c10::str("<", type, ", ", kWidth, ", ", kOutputs, ">");
  all["combine" + of] = taking(&combine<Number, kWidth, kOutputs>);
  all["combine_statistics" + of] = taking(&combine_statistics<Number, kWidth, kOutputs>);
  all["combine_backward" + of] = taking(&combine_backward<Number, kWidth, kOutputs>);
  all["learned_products" + of] = taking(&learned_products<Number, kWidth, kOutputs>);
}

template <class Number, int kWidth>
void add_row_kernels(const std::string& type, std::map<std::string, Kernel>& all) {
  const std::string of = c10::str("<", type, ", ", kWidth, ">");
  all["batch_norm_statistics" + of] = taking(&batch_norm_statistics<Number, kWidth>);
  all["batch_norm_relu" + of] = taking(&batch_norm_relu<Number, kWidth>);
  all["batch_norm_relu_sums" + of] = taking(&batch_norm_relu_sums<Number, kWidth>);
  all["batch_norm_relu_backward" + of] = taking(&batch_norm_relu_backward<Number, kWidth>);
  all["column_sums" + of] = taking(&column_sums<Number, kWidth>);
  all["layer_scale" + of] = taking(&layer_scale<Number, kWidth>);
  all["layer_scale_backward" + of] = taking(&layer_scale_backward<Number, kWidth>);
  add_combinations<Number, kWidth, 1>(type, all);
  add_combinations<Number, kWidth, 2>(type, all);
  add_combinations<Number, kWidth, 4>(type, all);
}

template <class Number>
void add_kernels_of(const std::string& type, std::map<std::string, Kernel>& all) {
  add_row_kernels<Number, 1>(type, all);
  add_row_kernels<Number, 2>(type, all);
  add_row_kernels<Number, 4>(type, all);
  if constexpr (sizeof(Number) == 2) add_row_kernels<Number, 8>(type, all);
}

template <class From, class To>
void add_casts(const std::string& from, const std::string& to, std::map<std::string, Kernel>& all) {
  all[c10::str("cast<", from, ", ", to, ", 8>")] = taking(&cast<From, To, 8>);
  all[c10::str("cast<", from, ", ", to, ", 1>")] = taking(&cast<From, To, 1>);
}

template <class In, class Out, int kWidth, int kNumbers>
void add_layer_norm(const std::string& types, std::map<std::string, Kernel>& all) {
  const std::string of = c10::str("<", types, ", ", kWidth, ", ", kNumbers, ">");
  all["layer_norm" + of] = taking(&layer_norm<In, Out, kWidth, kNumbers>);
  all["layer_norm_backward" + of] = taking(&layer_norm_backward<In, Out, kWidth, kNumbers>);
}

template <class In, class Out, int kWidth>
void add_layer_norm_sums(const std::string& types, std::map<std::string, Kernel>& all) {
  all[c10::str("layer_norm_sums<", types, ", ", kWidth, ">")] = taking(&layer_norm_sums<In, Out, kWidth>);
}

template <class In, class Out>
void add_layer_norms(const std::string& in, const std::string& out, std::map<std::string, Kernel>& all) {
  const std::string types = in + ", " + out;
  add_layer_norm<In, Out, 1, 8>(types, all);
  add_layer_norm<In, Out, 8, 8>(types, all);
  add_layer_norm<In, Out, 8, 16>(types, all);
  add_layer_norm<In, Out, 8, 24>(types, all);
  add_layer_norm<In, Out, 8, 32>(types, all);
  add_layer_norm_sums<In, Out, 1>(types, all);
  add_layer_norm_sums<In, Out, 2>(types, all);
  add_layer_norm_sums<In, Out, 4>(types, all);
  if constexpr (sizeof(In) == 2) add_layer_norm_sums<In, Out, 8>(types, all);
}

template <class Number>
void add_layer_norms_beside_float(const std::string& type, std::map<std::string, Kernel>& all) {
  add_layer_norms<Number, Number>(type, type, all);
  add_layer_norms<Number, float>(type, "float", all);
  add_layer_norms<float, Number>("float", type, all);
}

template <int kWidth>
void add_updates(std::map<std::string, Kernel>& all) {
  all[c10::str("weigh_gradients<", kWidth, ">")] = taking(&weigh_gradients<kWidth>);
  all[c10::str("update_weights<Sgd, ", kWidth, ">")] = taking(&update_weights<Sgd, kWidth>);
  all[c10::str("update_weights<Adam, ", kWidth, ">")] = taking(&update_weights<Adam, kWidth>);
}

template <class Number, int kIn, int kOut, bool kNormed>
void add_convolution_of(const std::string& type, const std::string& normed, std::map<std::string, Kernel>& all) {
  const std::string of = c10::str("<", type, ", ", kIn, ", ", kOut);
  all["convolve" + of + ", false" + normed] = taking(&convolve<Number, kIn, kOut, false, kNormed>);
  all["convolve" + of + ", true" + normed] = taking(&convolve<Number, kIn, kOut, true, kNormed>);
  if constexpr (kIn <= 16)
    all["convolve_weights" + of + normed] = taking(&convolve_weights<Number, kIn, kOut, kNormed>);
}

template <class Number, int kIn, int kOut>
void add_convolution(const std::string& type, std::map<std::string, Kernel>& all) {
  add_convolution_of<Number, kIn, kOut, false>(type, ", false>", all);
  add_convolution_of<Number, kIn, kOut, true>(type, ", true>", all);
}

template <class Number>
void add_convolutions(const std::string& type, std::map<std::string, Kernel>& all) {
  add_convolution<Number, 8, 8>(type, all);
  add_convolution<Number, 8, 24>(type, all);
  add_convolution<Number, 24, 8>(type, all);
  add_convolution<Number, 16, 16>(type, all);
  add_convolution<Number, 16, 32>(type, all);
  add_convolution<Number, 32, 16>(type, all);
  add_convolution<Number, 16, 48>(type, all);
  add_convolution<Number, 48, 16>(type, all);
  add_convolution<Number, 16, 24>(type, all);
  add_convolution<Number, 16, 64>(type, all);
  add_convolution<Number, 64, 16>(type, all);
  all["add_weights<" + type + ", 8>"] = taking(&add_weights<Number, 8>);
  all["add_weights<" + type + ", 16>"] = taking(&add_weights<Number, 16>);
}

template <class Number, int kSide>
void add_depthwise(const std::string& type, std::map<std::string, Kernel>& all) {
  const std::string of = c10::str("<", type, ", ", kSide, ">");
  all["depthwise" + of] = taking(&kernels::gpu::depthwise<Number, kSide>);
  all["depthwise_weights" + of] = taking(&depthwise_weights<Number, kSide>);
  all["depthwise_add" + of] = taking(&depthwise_add<Number, kSide>);
}

const std::map<std::string, Kernel>& kernels_by_name() {
  static const auto all = [] {
    std::map<std::string, Kernel> made;
    add_kernels_of<float>("float", made);
    add_kernels_of<Half>("Half", made);
    add_kernels_of<BFloat16>("BFloat16", made);
    add_convolutions<Half>("Half", made);
    add_convolutions<BFloat16>("BFloat16", made);
    add_depthwise<Half, 3>("Half", made);
    add_depthwise<Half, 5>("Half", made);
    add_depthwise<Half, 7>("Half", made);
    add_depthwise<BFloat16, 7>("BFloat16", made);
    add_casts<float, float>("float", "float", made);
    add_casts<float, Half>("float", "Half", made);
    add_casts<Half, float>("Half", "float", made);
    add_casts<float, BFloat16>("float", "BFloat16", made);
    add_casts<BFloat16, float>("BFloat16", "float", made);
    add_layer_norms_beside_float<Half>("Half", made);
    add_layer_norms_beside_float<BFloat16>("BFloat16", made);
    add_updates<4>(made);
    add_updates<1>(made);
    made["batch_norm_gather"] = taking(&batch_norm_gather);
    made["learned_matrices"] = taking(&learned_matrices);
    made["learned_gradients"] = taking(&learned_gradients);
    made["assemble_batch"] = taking(&assemble_batch);
    made["watch_values"] = taking(&watch_values);
    made["whole_forward"] = taking(&whole_forward);
    made["whole_backward"] = taking(&whole_backward);
    made["whole_sums"] = taking(&whole_sums);
    return made;
  }();
  return all;
}

}  // namespace

bool EmulatedLauncher::can_start(const std::string& kernel) {
  kernels::file_of_kernel(kernel);  // throws where a GPU's compiler would not find it
  return kernels_by_name().contains(kernel);
}

bool EmulatedLauncher::counters_are_zero() const {
  return std::all_of(counters_.begin(), counters_.end(), [](int counter) { return counter == 0; });
}

void EmulatedLauncher::start(const std::string& kernel, const kernels::Grid& grid, const void* arguments, size_t) {
  run_blocks(grid, [&, run = kernels_by_name().at(kernel)] { run(arguments); });
}

}  // namespace optdnn::tests
