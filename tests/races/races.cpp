// The kernels whose threads share memory, emulated under ThreadSanitizer: every number that one thread of a block reads
// and another has written has to have a barrier between. Without LibTorch, which it does not know. Exit code: 66 for a
// race, as ThreadSanitizer has it.
#include <cstdio>
#include <vector>

#include "support/emulated_blocks.h"
// After the words they are written in.
#include "optdnn/kernels/gpu/convolve.cuh"
#include "optdnn/kernels/gpu/depthwise.cuh"
#include "optdnn/kernels/gpu/whole.cuh"

namespace {

using namespace optdnn::kernels::gpu;

struct Launch {
  int blocks, parts, threads, shared_floats;
};

template <class Arguments>
void run(void (*kernel)(Arguments), const Launch& launch, const Arguments& arguments) {
  optdnn::tests::run_blocks(launch, [&] { kernel(arguments); });
}

template <class Number>
std::vector<Number> numbers(size_t count) {
  std::vector<Number> all(count);
  for (size_t i = 0; i < count; ++i) all[i] = static_cast<Number>(0.01f * static_cast<float>(i % 37));
  return all;
}

// x1 = x0 + a T0(x0), x2 = x1 + a T1(x1) + 0.25 T0(x0) with a learned, for two runs.
void stage() {
  constexpr int kD = 2, kH = 3, kN = 17, kRuns = 2, kValues = 5, kPlaces = 4, kLayers = 2;
  const std::vector<WholeOperation> operations = {
      {1, 1, 0, 0, 0, 0, 0, 0}, {2, 2, -1, 0, 2, 0, 0, 0}, {3, 0, 1, 0, 0, 2, 2, kH}, {4, 3, -1, 2, 5, 0, 0, 0}};
  const std::vector<WholeTerm> terms = {
      {0, 0, -1, 1.0f}, {1, 1, 0, 0.0f}, {2, 2, -1, 1.0f}, {3, 0, 0, 0.0f}, {1, 1, -1, 0.25f}};
  auto learned = numbers<float>(kRuns), weights = numbers<float>(kRuns * kH * kD), x = numbers<float>(kRuns * kN * kD),
       out = x, dx = x, values = numbers<float>(kRuns * kValues * kD * kN), d_values = values,
       hidden = numbers<float>(kRuns * kLayers * kH * kN), d_hidden = hidden, d_learned = learned;
  std::vector<std::vector<float>> d_weights(4 * kLayers, weights);
  WholePass pass{};
  WholeProgram& program = pass.program;
  program = {operations.data(), terms.data(), 4,  kLayers, kPlaces, 1,  1,  kValues,
             kLayers * kH,      kD,           kN, kH,      {},      {}, {}, {}};
  WholeSums sums{};
  for (int l = 0; l < kLayers; ++l) {
    program.hidden[l] = kH;
    program.begin[l + 1] = (l + 1) * (2 * kH * kD + kH + kD);
    program.activation[l] = l == 0 ? kTanh : kRelu;
    pass.weights[l] = {weights.data(), weights.data(), weights.data(), weights.data()};
    sums.weights[l] = {d_weights[4 * l].data(), d_weights[4 * l + 1].data(), d_weights[4 * l + 2].data(),
                       d_weights[4 * l + 3].data()};
  }
  program.learned[0] = learned.data();
  pass.lanes = 4;
  pass.values = values.data();
  pass.hidden = hidden.data();
  pass.given[0] = x.data();
  pass.made[0] = out.data();
  pass.places[0] = 3;
  const int of_layers = kLayers * (2 * kH * kD + kH + kD);
  const Launch launch{2, kRuns, 64, of_layers + 16 * ((kPlaces * kD + kH) | 1)};
  run(&whole_forward, launch, pass);
  pass.values = d_values.data();
  pass.d_hidden = d_hidden.data();
  pass.made[0] = dx.data();
  run(&whole_backward, launch, pass);
  sums.program = program;
  sums.values = values.data();
  sums.hidden = hidden.data();
  sums.d_values = d_values.data();
  sums.d_hidden = d_hidden.data();
  sums.lanes = 32;
  sums.sums = of_layers;
  sums.learned = 1;
  sums.runs = kRuns;
  sums.d_learned = d_learned.data();
  run(&whole_sums, {(of_layers + 1) / 2 + 1, kRuns, 64, 0}, sums);
}

void depthwise_layer() {
  constexpr int kSide = 3, kChannels = 40, kHeight = 17, kWidth = 9, kImages = 2, kBlocks = 2, kParts = 2;
  auto x = numbers<Half>(kImages * kHeight * kWidth * kChannels), y = x, dy = x,
       weights = numbers<Half>(kChannels * kSide * kSide), d_weights = weights, bias = numbers<Half>(kChannels),
       d_bias = bias;
  std::vector<float> left(kParts * kBlocks * kLeftByBlock * (kSide * kSide + 1) * kDepthwiseChannels);
  run(&depthwise<Half, kSide>, {kBlocks, kParts, kDepthwiseThreads, depthwise_floats(kSide)},
      {x.data(), weights.data(), bias.data(), y.data(), kImages, kHeight, kWidth, kChannels, false});
  const DepthwiseWeights arguments{x.data(), dy.data(), left.data(), d_weights.data(), d_bias.data(),
                                   kImages,  kHeight,   kWidth,      kChannels,        kBlocks};
  run(&depthwise_weights<Half, kSide>, {kBlocks, kParts, kDepthwiseThreads, depthwise_weights_floats(kSide)},
      arguments);
  run(&depthwise_add<Half, kSide>, {kSide * kSide + 1, kParts, kAddThreads, kAddThreads}, arguments);
}

// With its norms.
void convolution() {
  constexpr int kC = 8, kSide = 11, kImages = 2, kBlocks = 3;
  auto x = numbers<Half>(kImages * kSide * kSide * kC), y = x, dy = x, dx = x, weights = numbers<Half>(kC * kTaps * kC),
       d_weights = weights;
  auto of_norm = numbers<float>(kC), d_scale = of_norm, d_bias = of_norm;
  std::vector<float> left(kBlocks * kC * kPartialNumbers), room(kBlocks * kC * kTaps * kC);
  const ChannelNorm norm{of_norm.data(), of_norm.data(), of_norm.data(), of_norm.data()};
  const Partial partial{left.data(), kC, kBlocks};
  Convolve arguments{x.data(), weights.data(), y.data(), kImages, kSide, kSide, kC, kC, norm, nullptr, partial};
  run(&convolve<Half, kC, kC, false, true>, {kBlocks, 1, kConvolveThreads, 4 * convolve_chunks(kC, kC, false, true)},
      arguments);
  arguments = {dy.data(), weights.data(), dx.data(), kImages, kSide, kSide, kC, kC, norm, x.data(), partial};
  run(&convolve<Half, kC, kC, true, true>, {kBlocks, 1, kConvolveThreads, 4 * convolve_chunks(kC, kC, true, true)},
      arguments);
  const ConvolveWeights of_weights{x.data(),       dy.data(),    room.data(), d_weights.data(), kImages, kSide,
                                   kSide,          kC,           kC,          kBlocks,          norm,    partial,
                                   d_scale.data(), d_bias.data()};
  run(&convolve_weights<Half, kC, kC, true>, {kBlocks, 1, kConvolveThreads, 4 * weights_chunks(kC, kC, true)},
      of_weights);
  run(&add_weights<Half, kC>,
      {divided_up(kC * kTaps * kC, kAddedByBlock) + divided_up(kC, kGatheredChannels), 1, kAddThreads, 2 * kAddThreads},
      of_weights);
}

}  // namespace

int main() {
  stage();
  depthwise_layer();
  convolution();
  std::puts("no races");
}
