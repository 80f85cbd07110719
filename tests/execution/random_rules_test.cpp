// Random rules of the language through every executor, against the naive reading of their text in double precision:
// values in every setting, derivatives against differences of the naive values, second derivatives among the executors.
#include "algorithms/naive_rule.h"
#include "execution/bound.h"
#include "models/fast_and_slow.h"

using namespace optdnn;
using namespace optdnn::execution;
using algorithms::NaiveRule;
using algorithms::Vector;
using tests::Weights;
using torch::Tensor;

namespace {

constexpr int kDepth = 5;
constexpr int64_t kSamples = 3, kWidth = 2;

struct Drawn {
  NaiveRule naive;
  algorithms::Rule rule;
};

// Some text is refused, as what a learned sequence starts from.
std::optional<Drawn> draw(uint64_t seed) {
  base::RandomStream random(seed, "executors");
  NaiveRule naive = algorithms::random_rule(random);
  base::Diagnostics diagnostics;
  auto rule = algorithms::make_rule(naive.spec(), diagnostics);
  if (!rule) return std::nullopt;
  return Drawn{std::move(naive), std::move(*rule)};
}

Tensor tensor_of(const Vector<double>& numbers) {
  return torch::tensor(numbers, torch::kFloat64).view({kSamples, kWidth});
}

// What the text says, with the numbers of one's modules. A call that no program makes is not read either.
Tensor naive_output(const Drawn& drawn, int depth, const Tensor& input, Weights& weights) {
  const torch::NoGradGuard no_grad;
  const Tensor flat = input.detach().contiguous();
  const Vector<double> numbers(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
  const auto module = [&](char family, int k, int fresh, const Vector<double>& argument) {
    const auto& families = drawn.rule.families();
    const auto place = std::find(families.begin(), families.end(), std::string(1, family)) - families.begin();
    const Tensor y = weights.module(static_cast<int>(place), k, fresh)->forward(tensor_of(argument), 0).contiguous();
    return Vector<double>(y.data_ptr<double>(), y.data_ptr<double>() + y.numel());
  };
  return tensor_of(algorithms::run_naively(drawn.naive, depth, numbers, module));
}

double largest(const Tensor& x) { return x.abs().max().item<double>(); }

const std::vector<std::string> kNames = {"whole", "fused", "operators"};

}  // namespace

TEST_CASE("random rules run through every executor as their text says, in every setting") {
  int rules = 0;
  for (uint64_t seed = 0; rules < 60; ++seed) {
    const auto drawn = draw(seed);
    if (!drawn) continue;
    ++rules;
    base::seed_torch(seed);
    Weights weights(drawn->rule, modules::DenseTwoLayerSpec{4}, kWidth, false);
    const Tensor x = torch::randn({kSamples, kWidth}, torch::kFloat64).requires_grad_();
    const auto whole = make_programs(drawn->rule, {kDepth}, Outputs::last);
    const auto every = make_programs(drawn->rule, {kDepth}, Outputs::every);
    const auto parts = make_programs(drawn->rule, {2, 1, kDepth - 3}, Outputs::last);
    for (const std::string& name : kNames) {
      CAPTURE(seed, name, drawn->naive.text());
      std::string why;
      const auto after = tests::run_by(name, every.front(), weights, {x}, why);
      REQUIRE(why.empty());
      REQUIRE(after.size() == kDepth);
      for (int k = 1; k <= kDepth; ++k) {
        const Tensor wanted = naive_output(*drawn, k, x, weights);
        REQUIRE(largest(after[k - 1] - wanted) <= 1e-11 * std::max(1.0, largest(wanted)));
      }
      const Tensor last = tests::run_by(name, whole.front(), weights, {x}, why).front();
      REQUIRE(largest(last - after.back()) <= 1e-11 * std::max(1.0, largest(last)));
      tests::variable_list carried = {x};
      int before = 0;
      for (size_t i = 0; i < parts.size(); ++i) {
        carried = tests::run_by(name, parts[i], weights, carried, why, before);
        REQUIRE(why.empty());  // the last stage's outputs are of one run
        before += i == 0 ? 2 : 1;
      }
      REQUIRE(largest(carried.front() - last) <= 1e-11 * std::max(1.0, largest(last)));
    }
  }
}

// Weights, coefficients and the input all move; so do those of the text.
TEST_CASE("derivatives of random rules equal differences of their text's values, second ones agree") {
  int rules = 0;
  for (uint64_t seed = 1000; rules < 30; ++seed) {
    auto drawn = draw(seed);
    if (!drawn) continue;
    ++rules;
    base::seed_torch(seed);
    Weights weights(drawn->rule, modules::DenseTwoLayerSpec{4}, kWidth, false);
    Tensor x = torch::randn({kSamples, kWidth}, torch::kFloat64).requires_grad_();
    const Tensor upstream = torch::randn_like(x);
    const Program program = make_programs(drawn->rule, {kDepth}, Outputs::last).front();
    std::string why;
    tests::run_by("operators", program, weights, {x}, why);  // all weights are there
    tests::variable_list wanted = weights.all(), directions;
    wanted.push_back(x);
    for (const Tensor& weight : wanted) directions.push_back(torch::randn_like(weight));
    const size_t modules_end = wanted.size() - 1 - weights.coefficients().size();
    // All learned values of a coefficient move alike.
    std::map<int, double> moves;
    size_t place = modules_end;
    for (const auto& [leaf, value] : weights.coefficients()) {
      const double move = moves.try_emplace(leaf.coefficient, 0.3 + 0.4 * leaf.coefficient).first->second;
      directions[place++].fill_(move);
    }
    const auto shifted = [&](double by) {
      const torch::NoGradGuard no_grad;
      Drawn moved = *drawn;
      for (const auto& [coefficient, move] : moves) *moved.naive.coefficients[coefficient].value += by * move;
      for (size_t i = 0; i < wanted.size(); ++i) wanted[i].add_(directions[i], by);
      const double value = (naive_output(moved, kDepth, x, weights) * upstream).sum().item<double>();
      for (size_t i = 0; i < wanted.size(); ++i) wanted[i].sub_(directions[i], by);
      return value;
    };
    const double h = 1e-5, difference = (shifted(h) - shifted(-h)) / (2 * h);
    Tensor first_second;
    for (const std::string& name : kNames) {
      CAPTURE(seed, name, drawn->naive.text());
      const Tensor output = tests::run_by(name, program, weights, {x}, why).front();
      const auto gradients = torch::autograd::grad({output}, wanted, {upstream}, true, false, true);
      double slope = 0;
      for (size_t i = 0; i < wanted.size(); ++i) {
        if (gradients[i].defined()) slope += (gradients[i] * directions[i]).sum().item<double>();
      }
      REQUIRE(slope == Approx(difference).epsilon(1e-6).margin(1e-6));
      const auto again = torch::autograd::grad({output}, {x}, {upstream}, true, true, true);
      if (!again[0].defined() || !again[0].requires_grad()) continue;
      const auto second = torch::autograd::grad({again[0].square().sum()}, {x}, {}, false, false, true);
      if (!second[0].defined()) continue;
      if (!first_second.defined()) first_second = second[0];
      REQUIRE(largest(second[0] - first_second) <= 1e-8 * std::max(1.0, largest(first_second)));
    }
  }
}

TEST_CASE("random rules with an unknown run through `fused` as by the operators, values and gradients") {
  int rules = 0;
  for (uint64_t seed = 2000; rules < 30; ++seed) {
    const auto drawn = draw(seed);
    if (!drawn) continue;
    algorithms::RuleSpec spec = drawn->naive.spec();  // whose last line is that of x
    spec.equations.insert(spec.equations.size() - 1, " + 0.5*R(x[k+1] + 0.5*x[k])");
    base::Diagnostics diagnostics;
    const auto rule = algorithms::make_rule(spec, diagnostics);
    if (!rule) continue;
    ++rules;
    CAPTURE(seed, spec.equations);
    REQUIRE_FALSE(rule->is_explicit());
    base::seed_torch(seed);
    modules::DenseTwoLayerSpec module{4};
    module.lipschitz = 0.3;
    Weights weights(*rule, module, kWidth, false);
    const Tensor x = torch::randn({kSamples, kWidth}, torch::kFloat64).requires_grad_();
    const Program program = make_programs(*rule, {3}, Outputs::last).front();
    std::string why;
    const Tensor slow = tests::run_by("operators", program, weights, {x}, why).front();
    const Tensor fast = tests::run_by("fused", program, weights, {x}, why).front();
    REQUIRE(why.empty());
    REQUIRE(largest(fast - slow) <= 1e-8 * std::max(1.0, largest(slow)));
    tests::run_by("whole", program, weights, {x}, why);
    REQUIRE(why == "it solves for unknowns");
    tests::variable_list wanted = weights.all();
    wanted.push_back(x);
    const auto a = torch::autograd::grad({fast.square().sum()}, wanted, {}, {}, false, true);
    const auto b = torch::autograd::grad({slow.square().sum()}, wanted, {}, {}, false, true);
    for (size_t i = 0; i < a.size(); ++i) {
      REQUIRE(a[i].defined() == b[i].defined());
      if (a[i].defined()) REQUIRE(largest(a[i] - b[i]) <= 1e-6 * std::max(1.0, largest(b[i])));
    }
  }
}
