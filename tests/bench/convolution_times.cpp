// How long a 3x3 convolution takes by LibTorch, by F(2x2, 3x3), by F(4x4, 3x3) and, for as many channels out as in and
// few, by rows: each pass and shape, in turn, the minimum over rounds. Prints a JSON line for each;
// scripts/bench/convolutions.py makes tables and figures of them.
//   convolution_times [--avx2] --threads 2 --rounds 15 BATCH,SIZE_PX,INPUTS,OUTPUTS ...
#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include "optdnn/base/device.h"
#include "optdnn/kernels/cpu_convolve.h"

namespace {

using optdnn::kernels::ConvolutionShape, optdnn::kernels::WeightStrides, optdnn::kernels::Instructions;
using optdnn::kernels::Pass, optdnn::kernels::Way;
using torch::Tensor;

constexpr double kRound_s = 0.01;    // a round repeats short passes for so long
constexpr int64_t kMostByRows = 12;  // channels; beyond these rows are slow

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double mean_of(int64_t repeats, const std::function<void()>& pass) {
  const double begin = seconds();
  for (int64_t i = 0; i < repeats; ++i) pass();
  return (seconds() - begin) / static_cast<double>(repeats);
}

// The minimum over rounds of each way, in turn.
std::vector<double> fastest_s(const std::vector<std::function<void()>>& ways, int rounds) {
  std::vector<double> fastest;
  std::vector<int64_t> repeats;
  for (const auto& way : ways) {
    way();
    fastest.push_back(mean_of(1, way));
    repeats.push_back(std::max<int64_t>(1, static_cast<int64_t>(kRound_s / fastest.back())));
  }
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < ways.size(); ++i) fastest[i] = std::min(fastest[i], mean_of(repeats[i], ways[i]));
  }
  return fastest;
}

void measure(const ConvolutionShape& shape, int rounds, Instructions with) {
  const auto channels_last = at::MemoryFormat::ChannelsLast;
  const Tensor x = torch::randn({shape.images, shape.inputs, shape.height, shape.width}).contiguous(channels_last);
  const Tensor w = (torch::randn({shape.outputs, shape.inputs, 3, 3}) * 0.1).contiguous(channels_last);
  const Tensor dy = torch::randn({shape.images, shape.outputs, shape.height, shape.width}).contiguous(channels_last);
  const Tensor y = torch::empty_like(dy), dx = torch::empty_like(x), dw = torch::empty_like(w);
  const WeightStrides strides = {w.stride(0), w.stride(1), w.stride(2), w.stride(3)};
  const auto numbers = [](const Tensor& t) { return t.data_ptr<float>(); };
  const auto backward = [&](bool data, bool weights) {
    at::convolution_backward(dy, x, w, std::nullopt, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1, {data, weights, false});
  };
  std::vector<std::pair<std::string, Way>> ours = {{"tile_2_s", Way::tile_2}, {"tile_4_s", Way::tile_4}};
  if (shape.inputs == shape.outputs && shape.inputs <= kMostByRows) ours.emplace_back("rows_s", Way::rows);
  const struct {
    Pass which;
    std::function<void()> libtorch;
    std::function<void(Way)> by;
  } passes[] = {
      {Pass::forward, [&] { torch::conv2d(x, w, {}, 1, 1); },
       [&](Way way) { convolve_forward(way, shape, numbers(x), numbers(w), strides, numbers(y), with); }},
      {Pass::data, [&] { backward(true, false); },
       [&](Way way) { convolve_backward_data(way, shape, numbers(dy), numbers(w), strides, numbers(dx), with); }},
      {Pass::weights, [&] { backward(false, true); },
       [&](Way way) { convolve_backward_weights(way, shape, numbers(x), numbers(dy), numbers(dw), strides, with); }},
  };
  for (const auto& pass : passes) {
    std::vector<std::function<void()>> timed = {pass.libtorch};
    for (const auto& [name, way] : ours) timed.emplace_back([&pass, way = way] { pass.by(way); });
    const auto s = fastest_s(timed, rounds);
    const auto chosen = name_of(way_of(optdnn::kernels::Convolutions::fast, pass.which, shape));
    std::cout << "{\"batch\": " << shape.images << ", \"size_px\": " << shape.height << ", \"inputs\": " << shape.inputs
              << ", \"outputs\": " << shape.outputs << ", \"pass\": \"" << name_of(pass.which)
              << "\", \"threads\": " << at::get_num_threads() << ", \"instructions\": \"" << name_of(with)
              << "\", \"processor\": \"" << optdnn::base::device_name("cpu") << "\", \"fast\": \"" << chosen
              << "\", \"libtorch_s\": " << s[0];
    for (size_t i = 0; i < ours.size(); ++i) std::cout << ", \"" << ours[i].first << "\": " << s[i + 1];
    std::cout << "}" << std::endl;
  }
}

}  // namespace

int main(int count, char** words) {
  const torch::NoGradGuard no_grad;
  int rounds = 15;
  Instructions with = optdnn::kernels::best_instructions();
  if (with == Instructions::none) {
    std::cerr << "convolution_times: this processor has no AVX2, there is nothing to compare\n";
    return 3;
  }
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    ConvolutionShape shape = {};
    long long n[4];
    if (word == "--threads" && i + 1 < count) {
      at::set_num_threads(std::atoi(words[++i]));
    } else if (word == "--rounds" && i + 1 < count) {
      rounds = std::atoi(words[++i]);
    } else if (word == "--avx2") {
      with = Instructions::avx2;
    } else if (std::sscanf(word.c_str(), "%lld,%lld,%lld,%lld", &n[0], &n[1], &n[2], &n[3]) == 4) {
      shape = {n[0], n[1], n[1], n[2], n[3]};
      measure(shape, rounds, with);
    } else {
      std::cerr << "convolution_times: wanted BATCH,SIZE_PX,INPUTS,OUTPUTS, received " << word << '\n';
      return 2;
    }
  }
  return 0;
}
