// Texts meant to exhaust memory, the stack or patience are refused or answered quickly.
#include <ctime>

#include "algorithms/rules.h"
#include "optdnn/base/errors.h"
#include "support/slower.h"

using namespace optdnn::algorithms;

namespace {

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// Whether it is a rule, after its first steps were asked for.
bool survives(const std::string& equations, const std::vector<Coefficient>& coefficients = {}) {
  RuleSpec spec;
  spec.name = "hostile";
  spec.equations = equations;
  spec.coefficients = coefficients;
  optdnn::base::Diagnostics diagnostics;
  const std::clock_t begin = std::clock();
  const auto rule = make_rule(spec, diagnostics);
  try {
    for (int k = 0; rule && k < 3; ++k) rule->step(k);
  } catch (const optdnn::base::ConfigError&) {
  }
  CHECK(std::clock() - begin < 3 * optdnn::tests::kSlower * CLOCKS_PER_SEC);
  CHECK(rule.has_value() != diagnostics.has_errors());
  return rule.has_value();
}

}  // namespace

TEST_CASE("deep nesting and long texts are refused") {
  CHECK_FALSE(survives("x[k+1] = x[k] + " + repeated("(", 5000) + "T(x[k])" + repeated(")", 5000)));
  CHECK_FALSE(survives("x[k+1] = x[k] + " + repeated("T(", 5000) + "x[k]" + repeated(")", 5000)));
  CHECK_FALSE(survives("x[k+1] = x[k] + T(x[k])" + repeated(" + 0*x[k]", 5000)));
  CHECK_FALSE(survives("x[k+1] = x[k] + T(x[k])" + repeated("*1", 5000)));
  CHECK_FALSE(survives(repeated("x", 100000)));
  CHECK_FALSE(survives(repeated("y[k] = x[k]\n", 1000)));
  CHECK_FALSE(survives(""));
  CHECK_FALSE(survives(std::string("x[k+1] = x[k]\0 + T(x[k])", 24)));
}

TEST_CASE("many terms in one sum are only a long sum") {
  CHECK(survives("x[k+1] = x[k] + T(x[k])" + repeated(" + x[k]", 1500)));
}

TEST_CASE("coefficients that multiply out to a huge expression are refused") {
  std::string text = "y0[k] = c*x[k] + T(x[k])\n";
  for (int i = 1; i < 60; ++i)
    text +=
        "y" + std::to_string(i) + "[k] = c*y" + std::to_string(i - 1) + "[k] + d*y" + std::to_string(i - 1) + "[k]\n";
  text += "x[k+1] = y59[k]";
  CHECK_FALSE(survives(text, {learned(constant("c", 0.5)), learned(constant("d", 0.5))}));
}

TEST_CASE("nested sums with long bounds are answered") {
  survives("x[k+1] = x[k] + sum(i, -64, 64, sum(j, -64, 64, sum(l, -64, 64, 0.1*T(x[k]))))");
  survives("x[k+1] = x[k] + sum(i, 0, k+64, sum(j, 0, k+64, T(x[k]*i*j)))");
  survives("x[k+1] = x[k] + sum(i, k-64, k, T(x[i] - sum(j, k-64, k, x[j])))");
  survives("x[k+1] = x[k] + sum(i, 0, k, sum(j, 0, i, T(x[j] - x[i])))");
}

TEST_CASE("extreme numbers do not reach the tableau") {
  CHECK_FALSE(survives("x[k+1] = x[k] + 1e300*1e300*T(x[k])"));
  CHECK_FALSE(survives("x[k+1] = x[k] + T(x[k])/(1 - 1)"));
  CHECK_FALSE(survives("x[k+1] = x[k] + a*T(x[k])", {constant("a", std::numeric_limits<double>::quiet_NaN())}));
  const Rule rule = shipped("heavy_ball");
  CHECK_THROWS_AS(rule.step(-1), optdnn::base::ConfigError);
  CHECK_THROWS_AS(rule.step(2000000000), optdnn::base::ConfigError);
}
