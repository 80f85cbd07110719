// Random explicit rules: the tableau run equals the naive one, and derivatives go through learnable coefficients.
#include <rapidcheck.h>

#include <cmath>

#include "algorithms/naive_rule.h"
#include "algorithms/rules.h"

using namespace optdnn::algorithms;
using optdnn::base::RandomStream;

namespace {

constexpr int kRandomDepth = 6;
constexpr int kWidth = 3;

// T is nonlinear, S linear; both depend on family, step and pair.
template <class Number>
Vector<Number> module_of(char family, int k, int fresh, const Vector<Number>& argument) {
  using std::tanh;
  Vector<Number> result;
  for (int i = 0; i < kWidth; ++i) {
    Number sum(0.0);
    for (int j = 0; j < kWidth; ++j) sum = sum + std::cos(1.0 + i + 3 * j + 7 * k + 0.5 * fresh + family) * argument[j];
    if (family == 'T') sum = tanh(sum + 0.1 * i);
    result.push_back(sum);
  }
  return result;
}

// value + slope * e, e^2 = 0
struct Dual {
  double value, slope;
  Dual(double v = 0.0, double s = 0.0) : value(v), slope(s) {}
};
Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
Dual operator*(Dual a, Dual b) { return {a.value * b.value, a.value * b.slope + a.slope * b.value}; }
Dual operator/(Dual a, Dual b) {
  return {a.value / b.value, (a.slope * b.value - a.value * b.slope) / (b.value * b.value)};
}
Dual tanh(Dual a) {
  const double t = std::tanh(a.value);
  return {t, (1.0 - t * t) * a.slope};
}

template <class Number, class LeafValue>
Vector<Number> run(const Rule& rule, const Vector<Number>& input, const LeafValue& leaf_value) {
  const auto module = [&](int family, int k, int fresh, const Vector<Number>& argument) {
    return module_of(rule.families()[family][0], k, fresh, argument);
  };
  return run_tableau<Number>(rule, kRandomDepth, input, module, leaf_value);
}

double largest(const Vector<double>& values) {
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// Counted, so that a generator that makes only invalid rules cannot pass.
std::optional<Rule> rule_if_valid(const NaiveRule& naive) {
  optdnn::base::Diagnostics diagnostics;
  const auto rule = make_rule(naive.spec(), diagnostics);
  if (!rule) RC_FAIL(naive.text() + diagnostics.render());
  return rule;
}

}  // namespace

TEST_CASE("random explicit rules written out naively equal the tableau run") {
  REQUIRE(rc::check([](uint64_t seed) {
    RandomStream random(seed, "rule");
    const NaiveRule naive = random_rule(random);
    const auto rule = rule_if_valid(naive);
    RC_ASSERT(rule->is_explicit());
    const Vector<double> input = {0.3, -0.7, 1.1};
    const Vector<double> expected = run_naively(naive, kRandomDepth, input, module_of<double>);
    const Vector<double> actual = run<double>(*rule, input, starts_of(*rule));
    Vector<double> gap;
    for (int i = 0; i < kWidth; ++i) gap.push_back(actual[i] - expected[i]);
    RC_LOG() << naive.text();
    RC_TAG(rule->is_constant() ? "constant" : "varying");
    RC_ASSERT(largest(gap) <= 1e-12 * std::max(1.0, largest(expected)));
  }));
}

TEST_CASE("derivatives of the tableau run by learnable coefficients equal finite differences") {
  REQUIRE(rc::check([](uint64_t seed) {
    RandomStream random(seed, "learned");
    NaiveRule naive = random_rule(random);
    for (Coefficient& c : naive.coefficients) {
      if (c.name == "c" || c.name == "b") c.learn = Learn::per_step;
    }
    optdnn::base::Diagnostics diagnostics;
    const auto rule = make_rule(naive.spec(), diagnostics);
    RC_PRE(rule.has_value());  // a learned sequence before step 0 is refused
    std::set<Leaf> leaves;
    for (int k = 0; k < kRandomDepth; ++k) collect_leaves(rule->step(k), leaves);
    for (const Term& term : rule->start()) term.value.collect_leaves(leaves);
    for (const Leaf& leaf : leaves) {
      const auto dual_value = [&](const Leaf& other) {
        return Dual(rule->initial_value(other), other == leaf ? 1.0 : 0.0);
      };
      const auto shifted = [&](double by) {
        return run<double>(*rule, {0.3, -0.7, 1.1},
                           [&](const Leaf& other) { return rule->initial_value(other) + (other == leaf ? by : 0.0); });
      };
      const auto exact = run<Dual>(*rule, {Dual(0.3), Dual(-0.7), Dual(1.1)}, dual_value);
      const auto up = shifted(1e-5), down = shifted(-1e-5);
      for (int i = 0; i < kWidth; ++i) {
        const double slope = (up[i] - down[i]) / 2e-5;
        RC_ASSERT(std::abs(slope - exact[i].slope) <= 1e-5 * std::max({1.0, std::abs(slope), largest(up)}));
      }
    }
  }));
}

TEST_CASE("one step of Runge-Kutta's method has order four") {
  // x' = x^2 from 1, one step of size h: the error against 1/(1 - h) falls like h^5.
  const Rule rule = shipped("runge_kutta4");
  const auto error = [&](double h) {
    const auto module = [&](int, int, int, const Vector<double>& argument) {
      return Vector<double>{h * argument[0] * argument[0]};
    };
    return std::abs(run_tableau<double>(rule, 1, {1.0}, module, starts_of(rule))[0] - 1.0 / (1.0 - h));
  };
  CHECK(std::log2(error(0.02) / error(0.01)) == Approx(5.0).margin(0.15));
}
