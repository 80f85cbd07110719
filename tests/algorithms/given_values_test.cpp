// Coefficients that are lists or formulas in k.
#include "optdnn/algorithms/given_values.h"

#include "support/catch.h"

namespace optdnn::algorithms {
namespace {

Coefficient of_formula(const std::string& formula) {
  Coefficient c;
  c.name = "b";
  c.formula = formula;
  return c;
}

std::string formula_mistake(const std::string& formula) {
  std::string message;
  parse_formula(formula, [&](Place, const std::string& what, const std::string&) {
    if (message.empty()) message = what;
  });
  return message;
}

}  // namespace

TEST_CASE("a list holds its last value, or begins again", "[given]") {
  Coefficient c;
  c.values = {3, 1, 2};
  for (const int k : {0, 1, 2}) CHECK(given_value(c, {k}) == c.values[k]);
  CHECK(given_value(c, {100}) == 2);
  c.repeat = true;
  CHECK(given_value(c, {100}) == c.values[100 % 3]);
  CHECK_FALSE(given_value(c, {-1}));
  CHECK_FALSE(given_value(c, {1, 0}));
  CHECK(given_text(c) == "[3, 1, 2], repeated");
}

TEST_CASE("a formula is what its text says at k", "[given]") {
  const Coefficient c = of_formula("(k-1)/(k+2) - 0.5*-k");
  for (const int k : {0, 1, 7}) CHECK(given_value(c, {k}) == Approx((k - 1.0) / (k + 2.0) + 0.5 * k));
  for (const int k : {0, 3}) CHECK(given_value(of_formula("k - 1 + 2 - 3 + k"), {k}) == 2 * k - 2);
  CHECK_FALSE(std::isfinite(*given_value(of_formula("1/k"), {0})));
  CHECK(formula_mistake("(k-1)/(k+2)").empty());
  for (const char* wrong : {"", "k +", "theta[k]", "T(k)", "k; f[k] = k", "x[k]", "k[1]", "sqrt(k)"}) {
    INFO(wrong);
    CHECK_FALSE(formula_mistake(wrong).empty());
  }
}

}  // namespace optdnn::algorithms
