// relu(batch norm(x)) that is made by the convolution which reads it equals the two one after the other: values,
// statistics, first and second derivatives; it runs where it can, and declines elsewhere.
#include <ATen/Parallel.h>

#include "optdnn/kernels/cpu_convolve.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/pre_activation.h"
#include "support/catch.h"

namespace optdnn::modules {
namespace {

using kernels::Convolutions;
using torch::Tensor;

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

// Conv-Norm-relu-Conv behind a first norm, with all its weights away from where they begin.
struct Chain {
  Chain(Convolutions convolutions, int64_t inputs, int64_t width, torch::Dtype type = torch::kFloat32)
      : owner(made(inputs, width)), module(*owner) {
    const torch::NoGradGuard no_grad;
    for (auto& named : module.named_parameters()) {
      if (named.value().dim() == 1) named.value().add_(torch::randn_like(named.value()), 0.3);
    }
    module.to(type);
    set_convolutions(module, convolutions);
  }
  static std::shared_ptr<PreActivation> made(int64_t inputs, int64_t width) {
    torch::manual_seed(3);
    const std::vector<ChainLayer> layers = {{3, width}, {3, width}};
    return std::make_shared<PreActivation>(inputs, layers, Activation::relu, NormKind::batch, 1);
  }
  std::vector<Tensor> leaves(const Tensor& x) const {
    std::vector<Tensor> all = module.parameters();
    all.push_back(x);
    return all;
  }
  std::shared_ptr<PreActivation> owner;
  PreActivation& module;
};

Tensor drawn(std::vector<int64_t> sizes, torch::Dtype type = torch::kFloat32) {
  torch::manual_seed(4);
  return torch::randn(sizes, type).contiguous(kLast).requires_grad_();
}

int64_t normed_by(const std::function<void()>& run) {
  const auto before = kernels::counted_convolutions();
  run();
  return (kernels::counted_convolutions() - before).normed;
}

int64_t wanted(int64_t count) { return kernels::best_instructions() == kernels::Instructions::none ? 0 : count; }

struct Results {
  Tensor y;
  std::vector<Tensor> gradients, statistics;
  std::vector<Tensor> all() const {
    std::vector<Tensor> all = {y};
    all.insert(all.end(), gradients.begin(), gradients.end());
    all.insert(all.end(), statistics.begin(), statistics.end());
    return all;
  }
};

Results run(Chain& chain, const Tensor& x) {
  const Tensor y = chain.module.forward(x, 0);
  return {y.detach(), torch::autograd::grad({y}, chain.leaves(x), {torch::cos(3 * y).detach()}),
          chain.module.buffers()};
}

void check_close(const Results& found, const Results& expected, double tolerance) {
  for (size_t i = 0; i < expected.all().size(); ++i) {
    CAPTURE(i);
    const Tensor a = found.all()[i].to(torch::kFloat64), b = expected.all()[i].to(torch::kFloat64);
    CHECK((a - b).norm().item<double>() <= tolerance * (1e-3 + b.norm().item<double>()));
  }
}

}  // namespace

TEST_CASE("a chain of norms and convolutions makes each norm in the convolution behind it, and equals float64") {
  for (const auto& [inputs, width, size_px] :
       std::vector<std::array<int64_t, 3>>{{16, 16, 16}, {20, 12, 9}, {33, 17, 12}, {64, 64, 8}, {5, 5, 32}}) {
    CAPTURE(inputs, width, size_px);
    const Tensor x = drawn({8, inputs, size_px, size_px});
    Chain truth(Convolutions::exact, inputs, width, torch::kFloat64);
    const Results expected = run(truth, x.detach().to(torch::kFloat64).contiguous(kLast).requires_grad_());
    for (const auto convolutions : {Convolutions::fast, Convolutions::careful}) {
      Chain chain(convolutions, inputs, width);
      Results found;
      CHECK(normed_by([&] { found = run(chain, x); }) == wanted(2));
      check_close(found, expected, 2e-4);  // some pixels lie where relu bends
    }
  }
}

TEST_CASE("evaluated, by running statistics, norms are made in the convolutions too") {
  const torch::NoGradGuard no_grad;
  const Tensor x = drawn({8, 16, 12, 12}).detach();
  Chain fast(Convolutions::fast, 16, 16), exact(Convolutions::exact, 16, 16);
  for (auto* chain : {&fast, &exact}) {
    chain->module.forward(x, 0);
    chain->module.eval();
  }
  Tensor y;
  CHECK(normed_by([&] { y = fast.module.forward(x, 0); }) == wanted(2));
  CHECK(torch::allclose(y, exact.module.forward(x, 0), 1e-4, 1e-4));
}

TEST_CASE("exact convolutions have their norms made first, bit by bit as a module of its own makes them") {
  const Tensor x = drawn({8, 16, 12, 12});
  Chain chain(Convolutions::exact, 16, 16);
  Tensor y;
  CHECK(normed_by([&] { y = chain.module.forward(x, 0); }) == 0);
  const auto parameters = chain.module.named_parameters();
  Tensor expected = x;
  for (const std::string place : {"1", "2"}) {
    const BatchNorm by{parameters["norm" + place + ".weight"],
                       parameters["norm" + place + ".bias"],
                       torch::zeros({16}),
                       torch::ones({16}),
                       true,
                       0.1,
                       1e-5};
    expected = torch::conv2d(batch_norm_relu(expected, by), parameters["conv" + place + ".weight"], {}, 1, 1);
  }
  CHECK(torch::equal(y, expected));
  const auto leaves = chain.leaves(x);
  const auto found = torch::autograd::grad({y.sin().sum()}, leaves),
             gradients = torch::autograd::grad({expected.sin().sum()}, leaves);
  for (size_t i = 0; i < found.size(); ++i) CHECK(torch::equal(found[i], gradients[i]));
}

TEST_CASE("a norm made by a convolution is differentiable twice") {
  const Tensor x = drawn({8, 16, 8, 8}), x64 = x.detach().to(torch::kFloat64).contiguous(kLast).requires_grad_();
  const auto second = [](Chain& chain, const Tensor& at) {
    const auto first =
        torch::autograd::grad({chain.module.forward(at, 0).sin().sum()}, chain.leaves(at), {}, true, true);
    Tensor sum = torch::zeros({}, at.options());
    for (const Tensor& gradient : first) sum = sum + gradient.pow(2).sum();
    return torch::autograd::grad({sum}, chain.leaves(at));
  };
  Chain fast(Convolutions::fast, 16, 16), exact(Convolutions::exact, 16, 16, torch::kFloat64);
  std::vector<Tensor> found;
  CHECK(normed_by([&] { found = second(fast, x); }) == wanted(2));
  const auto expected = second(exact, x64);
  for (size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    const Tensor error = found[i].to(torch::kFloat64) - expected[i];
    CHECK(error.norm().item<double>() < 1e-3 * expected[i].norm().item<double>());
  }
}

TEST_CASE("one, two and three threads give a chain the same bits, and so does the next pass") {
  const Tensor x = drawn({16, 16, 16, 16});
  const int threads = at::get_num_threads();
  std::vector<Results> results;
  for (const int count : {1, 1, 2, 3}) {
    at::set_num_threads(count);
    Chain chain(Convolutions::fast, 16, 16);
    results.push_back(run(chain, x));
  }
  at::set_num_threads(threads);
  for (const Results& other : results) {
    for (size_t i = 0; i < other.all().size(); ++i) CHECK(torch::equal(other.all()[i], results[0].all()[i]));
  }
}

TEST_CASE("what is kept for the backward pass is x alone, and two readers of one norm are added up") {
  const Tensor x = drawn({8, 16, 12, 12}), w = torch::randn({16, 16, 3, 3}) * 0.1;
  const auto norm = [] {
    return BatchNorm{torch::full({16}, 0.7).requires_grad_(),
                     torch::full({16}, 0.2).requires_grad_(),
                     torch::zeros({16}),
                     torch::ones({16}),
                     true,
                     0.1,
                     1e-5};
  };
  const BatchNorm by = norm(), plain = norm();
  const NormedRelu normed = batch_norm_relu_to_make(x, by);
  CHECK(normed.x().data_ptr() == x.data_ptr());
  const Tensor y =
      convolve(normed, w, 1, Convolutions::fast) + 2 * convolve(normed, -w, 1, Convolutions::fast) + normed.made();
  const Tensor made = batch_norm_relu(x, plain), expected = made - torch::conv2d(made, w, {}, 1, 1);
  CHECK(torch::allclose(y, expected, 1e-4, 1e-4));
  const auto found = torch::autograd::grad({y.sin().sum()}, {x, by.weight, by.bias}),
             gradients = torch::autograd::grad({expected.sin().sum()}, {x, plain.weight, plain.bias});
  for (size_t i = 0; i < 3; ++i) CHECK(torch::allclose(found[i], gradients[i], 1e-3, 1e-3));
}

}  // namespace optdnn::modules
