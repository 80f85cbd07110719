// Convolutions as nodes: the fast ways equal LibTorch's within rounding, in training too, and leave to LibTorch what is
// not theirs.
#include "optdnn/modules/convolve.h"

#include <ATen/autocast_mode.h>

#include <cmath>

#include "optdnn/kernels/cpu_convolve.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/normalised_convolution.h"
#include "support/catch.h"

namespace optdnn::modules {
namespace {

using kernels::ConvolutionCounts, kernels::Convolutions, kernels::Pass, kernels::Way;
using torch::Tensor;

constexpr auto kFastWays = {Convolutions::fast, Convolutions::careful};

bool have_kernels() { return kernels::best_instructions() != kernels::Instructions::none; }

Tensor images(std::vector<int64_t> sizes, torch::Dtype type = torch::kFloat32) {
  return torch::randn(sizes, type).contiguous(at::MemoryFormat::ChannelsLast);
}

// The gradients of sum(y * dy) beside y.
std::vector<Tensor> passes(const Tensor& x, const Tensor& w, const Tensor& dy, Convolutions convolutions,
                           int64_t stride = 1) {
  const Tensor own_x = x.detach().requires_grad_(), own_w = w.detach().requires_grad_();
  const Tensor y = convolve(own_x, own_w, stride, convolutions);
  (y * dy).sum().backward();
  return {y.detach(), own_x.grad(), own_w.grad()};
}

ConvolutionCounts counts_of(const std::function<void()>& run) {
  const ConvolutionCounts before = kernels::counted_convolutions();
  run();
  return kernels::counted_convolutions() - before;
}

double relative_error(const Tensor& a, const Tensor& b) { return ((a - b).norm() / b.norm()).item<double>(); }

}  // namespace

// LibTorch's own gradient of the weights is wrong here with several threads where the channels are fewer than the
// lanes, and with one thread it may end the program.
TEST_CASE("the gradients of a 1x1 convolution with a stride hold for every number of channels") {
  torch::manual_seed(2);
  const int threads = at::get_num_threads();
  for (const int used : {1, 2}) {
    at::set_num_threads(used);
    for (const int64_t stride : {2, 3}) {
      for (int64_t channels = 1; channels <= 17; ++channels) {
        CAPTURE(used, stride, channels);
        const Tensor x = images({16, channels, 32, 32}), w = torch::randn({2 * channels, channels, 1, 1});
        const int64_t side = (32 + stride - 1) / stride;
        const Tensor dy = images({16, 2 * channels, side, side});
        const auto found = passes(x, w, dy, Convolutions::fast, stride);
        const auto right = passes(x.to(torch::kFloat64), w.to(torch::kFloat64), dy, Convolutions::exact, stride);
        for (int i = 0; i < 3; ++i) CHECK(relative_error(found[i].to(torch::kFloat64), right[i]) < 1e-5);
      }
    }
  }
  at::set_num_threads(threads);
}

TEST_CASE("a fast convolution runs on its kernels in all three passes and equals LibTorch's within rounding") {
  torch::manual_seed(1);
  for (const auto& [batch, size, in, out] : std::vector<std::array<int64_t, 4>>{
           {8, 16, 16, 16}, {4, 9, 20, 12}, {3, 13, 33, 17}, {16, 8, 64, 64}, {4, 32, 8, 8}, {16, 32, 5, 5}}) {
    const Tensor x = images({batch, in, size, size}), w = torch::randn({out, in, 3, 3}) * 0.1,
                 dy = images({batch, out, size, size});
    const auto exact = passes(x, w, dy, Convolutions::exact);
    for (const auto convolutions : kFastWays) {
      std::vector<Tensor> found;
      const ConvolutionCounts counts = counts_of([&] { found = passes(x, w, dy, convolutions); });
      const Way way = in == 5 ? Way::rows : convolutions == Convolutions::fast ? Way::tile_4 : Way::tile_2;
      const bool eight = in == 8 && convolutions == Convolutions::careful;  // whose weights' gradient is LibTorch's
      if (have_kernels()) {
        CHECK(counts.at(Pass::forward, way) == 1);
        CHECK(counts.at(Pass::data, way) == 1);
        CHECK(counts.at(Pass::weights, eight ? Way::libtorch : way) == 1);
      }
      for (size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].sizes() == exact[i].sizes());
        CHECK(relative_error(found[i], exact[i]) < 3e-6);
      }
      CHECK(found[0].is_contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
}

TEST_CASE("exact is LibTorch's own convolution, bit by bit") {
  torch::manual_seed(2);
  const Tensor x = images({4, 16, 12, 12}), w = torch::randn({24, 16, 3, 3}), dy = images({4, 24, 12, 12});
  const auto found = passes(x, w, dy, Convolutions::exact);
  const Tensor own_x = x.detach().requires_grad_(), own_w = w.detach().requires_grad_();
  const Tensor y = torch::conv2d(own_x, own_w, {}, 1, 1);
  (y * dy).sum().backward();
  CHECK(torch::equal(found[0], y.detach()));
  CHECK(torch::equal(found[1], own_x.grad()));
  CHECK(torch::equal(found[2], own_w.grad()));
}

TEST_CASE("what is not a 3x3 convolution of stride 1 in float32 with channels innermost is LibTorch's, bit by bit") {
  torch::manual_seed(3);
  const Tensor x = images({8, 16, 12, 12}), w = torch::randn({16, 16, 3, 3});
  const struct {
    const char* what;
    Tensor x, w;
    int64_t stride;
  } others[] = {
      {"stride 2", x, w, 2},
      {"1x1", x, torch::randn({16, 16, 1, 1}), 1},
      {"5x5", x, torch::randn({16, 16, 5, 5}), 1},
      {"float64", x.to(torch::kFloat64), w.to(torch::kFloat64), 1},
      {"channels outermost", x.contiguous(), w, 1},
      {"few channels", images({8, 3, 12, 12}), torch::randn({16, 3, 3, 3}), 1},
  };
  for (const auto& other : others) {
    INFO(other.what);
    Tensor y;
    const auto counts = counts_of([&] { y = convolve(other.x, other.w, other.stride, Convolutions::fast); });
    CHECK(counts.at(Pass::forward, Way::libtorch) == 1);
    CHECK(torch::equal(y, torch::conv2d(other.x, other.w, {}, other.stride, other.w.size(-1) / 2)));
  }
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const Tensor y = convolve(x, w, 1, Convolutions::fast);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(y.scalar_type() == torch::kBFloat16);
}

TEST_CASE("only the gradients that are wanted are made") {
  if (!have_kernels()) return;
  const Tensor x = images({8, 16, 12, 12}), w = torch::randn({16, 16, 3, 3}).requires_grad_();
  const auto counts = counts_of([&] { convolve(x, w, 1, Convolutions::fast).sum().backward(); });
  CHECK(counts.at(Pass::data, Way::tile_4) == 0);
  CHECK(counts.at(Pass::weights, Way::tile_4) == 1);
  const torch::NoGradGuard no_grad;
  CHECK_FALSE(convolve(x, w, 1, Convolutions::fast).requires_grad());
}

// The gradient of a gradient goes by LibTorch's operators; in float64, by finite differences, all does.
TEST_CASE("a gradient that is to be differentiated can be, and finite differences agree through the fall-back") {
  torch::manual_seed(4);
  const Tensor x = images({8, 16, 8, 8}).requires_grad_(), w = (torch::randn({16, 16, 3, 3}) * 0.1).requires_grad_();
  const auto second = [&](Convolutions convolutions) {
    const Tensor y = convolve(x, w, 1, convolutions).sin().sum();
    const auto first = torch::autograd::grad({y}, {x, w}, {}, true, /*create_graph=*/true);
    return torch::autograd::grad({first[0].pow(2).sum() + first[1].pow(2).sum()}, {x, w});
  };
  const auto exact = second(Convolutions::exact), fast = second(Convolutions::fast);
  for (size_t i = 0; i < exact.size(); ++i) CHECK(relative_error(fast[i], exact[i]) < 1e-5);

  const Tensor x64 = images({2, 8, 5, 5}, torch::kFloat64).requires_grad_(),
               w64 = torch::randn({8, 8, 3, 3}, torch::kFloat64).requires_grad_();
  const auto loss = [&](const Tensor& at_x, const Tensor& at_w) {
    return convolve(at_x, at_w, 1, Convolutions::fast).tanh().sum();
  };
  const auto gradients = torch::autograd::grad({loss(x64, w64)}, {x64, w64});
  const torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  const Tensor along_x = torch::randn_like(x64), along_w = torch::randn_like(w64);
  const double difference =
      (loss(x64 + kStep * along_x, w64 + kStep * along_w) - loss(x64 - kStep * along_x, w64 - kStep * along_w))
          .item<double>() /
      (2 * kStep);
  const double slope = ((gradients[0] * along_x).sum() + (gradients[1] * along_w).sum()).item<double>();
  CHECK(difference == Approx(slope).epsilon(1e-6));
}

TEST_CASE("set_convolutions reaches every convolution inside") {
  torch::nn::Sequential network(Convolution(16, 16, 3), NormalisedConvolution(16, 16, 3, 1, Normalisation::weight));
  set_convolutions(*network, Convolutions::careful);
  CHECK(network->ptr(0)->as<ConvolutionImpl>()->convolutions == Convolutions::careful);
  CHECK(network->ptr(1)->as<NormalisedConvolutionImpl>()->convolutions == Convolutions::careful);
}

// A small residual network on random images.
struct Trained {
  std::vector<double> losses;
  std::vector<Tensor> weights;
};
Trained train(Convolutions convolutions, int iterations) {
  torch::manual_seed(5);
  Convolution first(3, 16, 3), second(16, 16, 3), third(16, 16, 3);
  Norm norm(NormKind::batch, 16);
  Affine head(16, 10);
  std::vector<Tensor> weights = {first->weight, second->weight, third->weight, norm->weight, norm->bias, head->weight};
  for (auto* layer : {&first, &second, &third}) {
    (*layer)->convolutions = convolutions;
    (*layer)->weight.set_data((*layer)->weight.contiguous(at::MemoryFormat::ChannelsLast));
  }
  torch::optim::SGD optimizer(weights, torch::optim::SGDOptions(0.05).momentum(0.9));
  const Tensor x = images({32, 3, 12, 12}), labels = torch::randint(10, {32});
  Trained trained;
  for (int i = 0; i < iterations; ++i) {
    optimizer.zero_grad();
    const Tensor state = first->forward(x);
    const Tensor hidden = norm->activated(second->forward(state), Activation::relu);
    const Tensor y = state + third->forward(hidden);
    const Tensor loss = torch::cross_entropy_loss(head->forward(y.mean({2, 3})), labels);
    loss.backward();
    optimizer.step();
    trained.losses.push_back(loss.item<double>());
  }
  for (const Tensor& weight : weights) trained.weights.push_back(weight.detach());
  return trained;
}

TEST_CASE("fifty iterations end where LibTorch's convolutions end, and on the same bits again") {
  const Trained exact = train(Convolutions::exact, 50);
  for (const auto convolutions : kFastWays) {
    const Trained fast = train(convolutions, 50), again = train(convolutions, 50);
    CHECK(exact.losses.back() < 0.8 * exact.losses.front());
    CHECK(fast.losses.back() == Approx(exact.losses.back()).epsilon(1e-3));
    // Rounding of 1e-6 grows with every iteration; measured here: up to 1.3e-3.
    for (size_t i = 0; i < exact.weights.size(); ++i) CHECK(relative_error(fast.weights[i], exact.weights[i]) < 1e-2);
    if (have_kernels()) CHECK_FALSE(torch::equal(fast.weights[1], exact.weights[1]));  // the kernels ran
    for (size_t i = 0; i < exact.weights.size(); ++i) CHECK(torch::equal(again.weights[i], fast.weights[i]));
  }
}

}  // namespace optdnn::modules
