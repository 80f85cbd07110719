// Linear maps made at random, and the norms of their outputs, against LibTorch's operators.
#include "optdnn/execution/linear_node.h"

#include <ATen/Parallel.h>

#include <random>

#include "models/fast_and_slow.h"
#include "optdnn/base/random.h"
#include "optdnn/execution/linear_combination.h"
#include "support/catch.h"

using namespace optdnn;
using namespace optdnn::execution;
using kernels::Combinations;
using kernels::LinearMap;
using kernels::Terms;
using modules::BatchNorm;
using tests::difference;
using torch::Tensor;

namespace {

LinearMap random_map(std::mt19937& random, int learned) {
  const auto draw = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
  Combinations all{1 + draw(4), {}};
  const int combinations = 1 + draw(5);
  for (int i = 0; i < combinations; ++i) {
    Terms made;
    for (int terms = 1 + draw(6); terms > 0; --terms) {
      const double weights[] = {1.0, -0.5, 2.0, 0.3};
      made.push_back({draw(all.values()), weights[draw(4)], learned && draw(3) == 0 ? draw(learned) : -1});
    }
    all.made.push_back(made);
  }
  std::vector<int> outputs;
  for (int v = all.inputs; v < all.values(); ++v) {
    if (v + 1 == all.values() || draw(2)) outputs.push_back(v);
  }
  return {all, outputs};
}

// Some outputs with a norm after them, none, one, or one of them with two.
std::vector<NormedOutput> random_norms(std::mt19937& random, size_t outputs, int64_t channels) {
  std::vector<NormedOutput> normed;
  for (auto count = random() % 4; count > 0; --count) {
    const auto options = torch::TensorOptions(torch::kFloat64);
    normed.push_back(
        {static_cast<int>(random() % outputs),
         {torch::randn({channels}, options).requires_grad_(), torch::randn({channels}, options).requires_grad_(),
          torch::randn({channels}, options), torch::rand({channels}, options), true, 0.1, 1e-5}});
  }
  return normed;
}

std::vector<Tensor> by_operators(const LinearMap& map, std::vector<Tensor> values, at::TensorList learned,
                                 const std::vector<NormedOutput>& normed) {
  for (const Terms& terms : map.combinations.made) values.push_back(combine(terms, values, learned));
  std::vector<Tensor> outputs = pick(values, map.outputs);
  for (const auto& [output, norm] : normed) {
    outputs.push_back(torch::relu(torch::batch_norm(outputs[output], norm.weight, norm.bias, norm.running_mean,
                                                    norm.running_var, true, norm.momentum, norm.epsilon, false)));
  }
  return outputs;
}

// With running statistics of their own.
std::vector<NormedOutput> copies(std::vector<NormedOutput> normed) {
  for (auto& [output, norm] : normed) {
    norm.running_mean = norm.running_mean.clone();
    norm.running_var = norm.running_var.clone();
  }
  return normed;
}

Tensor squares(const std::vector<Tensor>& tensors) {
  Tensor sum = torch::zeros({}, torch::kFloat64);
  for (const Tensor& x : tensors) sum = sum + (x.defined() ? x.square().sum() : torch::zeros({}, torch::kFloat64));
  return sum;
}

// One that is not defined is zero.
void require_equal(const std::vector<Tensor>& fast, const std::vector<Tensor>& slow, double tolerance) {
  REQUIRE(fast.size() == slow.size());
  for (size_t i = 0; i < fast.size(); ++i) {
    CAPTURE(i);
    if (fast[i].defined() && slow[i].defined()) {
      REQUIRE((fast[i] - slow[i]).abs().max().item<double>() <= tolerance * (1 + slow[i].abs().max().item<double>()));
    } else {
      REQUIRE(squares({fast[i], slow[i]}).item<double>() == 0);
    }
  }
}

}  // namespace

TEST_CASE("linear maps made at random equal LibTorch's operators: values, first and second derivatives") {
  std::mt19937 random(3);
  base::seed_torch(3);
  for (int round = 0; round < 200; ++round) {
    const int L = round % 3;
    const auto map = std::make_shared<const LinearMap>(random_map(random, L));
    const int64_t size = round % 5 == 0 ? 44 : 4, channels = round % 7 == 0 ? 16 : 5;  // more than one piece, and less
    const auto layout = round % 4 == 0 ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast;
    const auto normed = random_norms(random, map->outputs.size(), channels), normed_slow = copies(normed);
    CAPTURE(round, L, size, channels, normed.size());
    std::vector<Tensor> inputs, learned, wanted;
    for (int i = 0; i < map->combinations.inputs; ++i) {
      inputs.push_back(torch::randn({2, channels, size, size}, torch::kFloat64).contiguous(layout).requires_grad_());
    }
    for (int l = 0; l < L; ++l) learned.push_back(torch::randn({}, torch::kFloat64).requires_grad_());
    wanted = inputs;
    wanted.insert(wanted.end(), learned.begin(), learned.end());
    for (const auto& [output, norm] : normed) wanted.insert(wanted.end(), {norm.weight, norm.bias});

    const auto fast = apply_linear(map, inputs, learned, normed).made(),
               slow = by_operators(*map, inputs, learned, normed_slow);
    require_equal(fast, slow, 1e-11);
    for (size_t i = 0; i < normed.size(); ++i) {
      REQUIRE(difference(normed[i].norm.running_mean, normed_slow[i].norm.running_mean) < 1e-12);
      REQUIRE(difference(normed[i].norm.running_var, normed_slow[i].norm.running_var) < 1e-12);
    }
    std::vector<Tensor> weights;
    for (const Tensor& value : slow) weights.push_back(torch::randn_like(value).requires_grad_());
    const auto fast_d = torch::autograd::grad(fast, wanted, weights, true, true, true);
    const auto slow_d = torch::autograd::grad(slow, wanted, weights, true, true, true);
    require_equal(fast_d, slow_d, 1e-10);
    require_equal(torch::autograd::grad(fast, wanted, weights, true, false, true), slow_d, 1e-10);  // the kernel's
    const Tensor fast_sum = squares(fast_d), slow_sum = squares(slow_d);
    if (!slow_sum.requires_grad()) continue;
    wanted.insert(wanted.end(), weights.begin(), weights.end());
    require_equal(torch::autograd::grad({fast_sum}, wanted, {}, false, false, true),
                  torch::autograd::grad({slow_sum}, wanted, {}, false, false, true), 1e-8);
  }
}

TEST_CASE("a linear map whose output only its norm is asked for has the gradients of that alone") {
  base::seed_torch(4);
  const auto map = std::make_shared<const LinearMap>(Combinations{2, {{{0, 1.0}, {1, 0.5}}}}, std::vector<int>{2});
  std::mt19937 random(4);
  std::vector<NormedOutput> normed;
  while (normed.empty()) normed = random_norms(random, 1, 16);
  std::vector<Tensor> inputs;
  for (int i = 0; i < 2; ++i) {
    inputs.push_back(torch::randn({2, 16, 4, 4}, torch::kFloat64).contiguous(at::MemoryFormat::ChannelsLast));
    inputs.back().requires_grad_();
  }
  const Tensor fast = apply_linear(map, inputs, {}, normed).made()[1],
               slow = by_operators(*map, inputs, {}, copies(normed))[1];
  const Tensor weights = torch::randn_like(slow);
  require_equal(torch::autograd::grad({fast}, inputs, {weights}), torch::autograd::grad({slow}, inputs, {weights}),
                1e-11);
}

TEST_CASE("a linear map with norms is the same for any number of threads") {
  const int before = at::get_num_threads();
  std::vector<std::vector<Tensor>> results;
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    std::mt19937 random(5);
    base::seed_torch(5);
    const auto map = std::make_shared<const LinearMap>(random_map(random, 2));
    std::vector<Tensor> inputs, learned = {torch::randn({}).requires_grad_(), torch::randn({}).requires_grad_()};
    for (int i = 0; i < map->combinations.inputs; ++i) {
      inputs.push_back(torch::randn({8, 16, 32, 32}).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_());
    }
    const BatchNorm norm{torch::ones({16}).requires_grad_(),
                         torch::zeros({16}).requires_grad_(),
                         torch::zeros({16}),
                         torch::ones({16}),
                         true,
                         0.1,
                         1e-5};
    const auto outputs = apply_linear(map, inputs, learned, {{0, norm}}).made();
    std::vector<Tensor> wanted = inputs, weights;
    wanted.insert(wanted.end(), {norm.weight, norm.bias});
    wanted.insert(wanted.end(), learned.begin(), learned.end());
    for (const Tensor& output : outputs) weights.push_back(torch::randn_like(output));
    results.push_back(torch::autograd::grad(outputs, wanted, weights, {}, false, true));
    results.back().insert(results.back().end(), outputs.begin(), outputs.end());
  }
  at::set_num_threads(before);
  for (size_t i = 0; i < results[0].size(); ++i) {
    REQUIRE(results[0][i].defined() == results[1][i].defined());
    if (results[0][i].defined()) REQUIRE(torch::equal(results[0][i], results[1][i]));
  }
}

TEST_CASE("a linear map keeps no tensor that its derivatives do not need") {
  const auto constant = std::make_shared<const LinearMap>(Combinations{2, {{{0, 1.0}, {1, 0.5}}}}, std::vector<int>{2});
  REQUIRE(constant->kept == std::vector<bool>{false, false});
  const auto learned =
      std::make_shared<const LinearMap>(Combinations{2, {{{0, 1.0}, {1, 1.0, 0}}}}, std::vector<int>{2});
  REQUIRE(learned->kept == std::vector<bool>{false, true});
}

TEST_CASE("what two terms of one weight pass back is one value") {
  const LinearMap twins(Combinations{3, {{{0, 0.5}, {1, 0.5}, {2, 0.25}}}}, {3});
  REQUIRE(twins.gradients[0] == twins.gradients[1]);
  REQUIRE(twins.gradients[0] != twins.gradients[2]);
}
