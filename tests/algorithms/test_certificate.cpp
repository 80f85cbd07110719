// The certificate's table, and what it says where a rule is not convergent.
#include <limits>
#include <nlohmann/json.hpp>

#include "algorithms/rules.h"
#include "optdnn/algorithms/certificate.h"

using namespace optdnn::algorithms;

namespace {

struct Expected {
  Rule rule;
  bool preconsistent, zero_stable, convergent;
  std::vector<std::complex<double>> roots;  // empty: not of a constant tableau
  std::map<std::string, double> steps;      // empty: undefined
};

std::vector<Expected> table() {
  const double half = std::sqrt(3.0) / 2.0;
  return {
      {shipped("gradient_descent"), true, true, true, {1.0}, {{"T", 1.0}}},
      {shipped("heavy_ball", {constant("beta", 0.9)}), true, true, true, {1.0, 0.9}, {{"T", 10.0}}},
      {shipped("heavy_ball", {constant("beta", 1.0)}), true, false, false, {1.0, 1.0}, {}},
      {shipped("heavy_ball_2018"), false, true, false, {{0.5, half}, {0.5, -half}}, {}},
      {shipped("nesterov"), true, true, true, {1.0, 0.5}, {{"T", 2.0}}},
      {shipped("apg2"), true, true, true, {1.0, 0.5}, {{"T", 1.5}}},
      {shipped("ladmm"),
       true,
       true,
       true,
       {1.0, {0.25, half / 2}, {0.25, -half / 2}},
       {{"T", 1.0 / 3}, {"S", 1.0 / 3}}},
      {shipped("pgd"), true, true, true, {1.0}, {{"T", 1.0}, {"S", 1.0}}},
      {shipped("fista", {constant("b", 0.5)}), true, true, true, {1.0, 0.5}, {{"T", 2.0}, {"S", 2.0}}},
      {shipped("admm"), true, true, true, {1.0, 0.0, 0.0}, {{"T", 1.0}, {"S", 1.0}}},
      {shipped("nesterov", {sequenced("beta", "fista")}), true, false, false, {}, {}},
      {rule_of("x[k+1] = x[0] + sum(j, 0, k, T(x[j]))"), true, true, true, {}, {{"T", 1.0}}},
      {shipped("dense"), true, true, true, {}, {{"T", 1.0}}},
      {shipped("apg"), true, false, false, {}, {}},
      {shipped("momentum"), true, true, true, {1.0, 0.5}, {{"T", 1.0}}},
      {shipped("runge_kutta4"), true, true, true, {1.0}, {{"T", 1.0}}},
      {shipped("proximal_point"), true, true, true, {1.0}, {{"T", 1.0}}},
  };
}

}  // namespace

TEST_CASE("the certificate of each rule is that of the table") {
  for (const Expected& expected : table()) {
    const Certificate c = certify(expected.rule, 9);
    INFO(certificate_text(expected.rule, c));
    CHECK(c.preconsistent == expected.preconsistent);
    CHECK(c.zero_stable == expected.zero_stable);
    CHECK(c.convergent == expected.convergent);
    CHECK(c.eigenvalues.has_value() == !expected.roots.empty());
    CHECK(c.stability_constant.has_value() == expected.roots.empty());
    for (size_t i = 0; i < expected.roots.size(); ++i) CHECK(std::abs((*c.eigenvalues)[i] - expected.roots[i]) < 1e-7);
    REQUIRE(c.effective_step.has_value() == !expected.steps.empty());
    for (const auto& [family, step] : expected.steps) CHECK(c.effective_step->at(family) == Approx(step).epsilon(1e-9));
    CHECK_FALSE(c.reason.empty());
    CHECK(c.fix.empty() == c.convergent);
    CHECK_FALSE(c.coupled.has_value());
    CHECK(c.lipschitz_bound.has_value() != expected.rule.is_explicit());
  }
}

TEST_CASE("with the FISTA sequence Nesterov's stability constant grows like the depth, and the certificate says so") {
  const Certificate c = certify(shipped("nesterov", {sequenced("beta", "fista")}), 9);
  const std::map<int, double> expected = {{10, 2.65}, {20, 4.61}, {40, 8.53}, {80, 16.28}};
  for (const auto& [K, value] : expected) CHECK(c.stability_constant->at(K) == Approx(value).margin(5e-3));
  CHECK(c.reason == "not zero-stable: the stability constant grows like K, although it is finite at every depth");
  CHECK(c.fix == "a constant or a learnable bounded coefficient in place of 'beta' = fista");
}

TEST_CASE("gradient descent written as a sum has a stability constant of one") {
  const Certificate c = certify(rule_of("x[k+1] = x[0] + sum(j, 0, k, T(x[j]))"), 9);
  for (const auto& [K, value] : *c.stability_constant) CHECK(value == 1.0);
}

TEST_CASE("the Lipschitz bound of proximal gradient descent concerns S alone") {
  const Certificate c = certify(shipped("pgd"), 1);
  CHECK(*c.lipschitz_bound == Approx(1.0));
  CHECK(*certify(rule_of("x[k+1] = x[k] + 5*T(x[k]) + 0.25*S(x[k+1])"), 1).lipschitz_bound == Approx(4.0));
}

TEST_CASE("the stability constant judges a varying rule as the roots judge the constant one") {
  // Learned per step, at values that tend to one.
  for (const double beta : {0.3, 0.9, 1.0}) {
    const Rule constant_rule = shipped("heavy_ball", {constant("beta", beta)});
    const Rule varying = shipped("heavy_ball", {learned(constant("beta", beta))});
    const LeafValues values = [&](const Leaf& leaf) { return beta * (1 - 0.1 / (1 + leaf.indices[0])); };
    const Certificate a = certify(constant_rule, 4), b = certify(varying, 4, 0, values);
    CHECK_FALSE(b.eigenvalues.has_value());
    CHECK(a.convergent == b.convergent);
    if (a.convergent) CHECK(b.effective_step->at("T") == Approx(a.effective_step->at("T")).epsilon(0.02));
  }
}

TEST_CASE("a list is judged by its last value, one that begins again by a period") {
  const auto with = [](const std::vector<double>& values, bool repeat) {
    Coefficient beta;
    beta.name = "beta", beta.values = values, beta.repeat = repeat;
    return certify(shipped("heavy_ball", {beta}), 9);
  };
  const Certificate held = with({1.3, 0.5, 0.99}, false);
  CHECK(held.convergent);
  CHECK(held.effective_step->at("T") == Approx(100).epsilon(1e-9));
  CHECK((held.judged_by->from == 2 && held.judged_by->steps == 1 && held.judged_by->repeats));
  const Certificate repeated = with({0.98, 0.99}, true);
  CHECK(repeated.convergent);
  // An impulse moves the state by 1 + b' + b' b + ..., after a step with b; the mean over both steps.
  CHECK(repeated.effective_step->at("T") == Approx((2 + 0.98 + 0.99) / 2 / (1 - 0.98 * 0.99)).epsilon(1e-9));
  CHECK(*repeated.spectral_radius == Approx(1));
  CHECK((repeated.judged_by->from == 0 && repeated.judged_by->steps == 2));
  CHECK(with({1.2, 0.8}, true).convergent);  // each step for itself would not do
  const Certificate growing = with({1.25, 0.9}, true);
  CHECK(growing.reason.starts_with("not zero-stable: the spectral radius of A is 1.125 over 2 steps"));
  CHECK(with({1.2, 1.1}, false).reason.starts_with("not zero-stable: the spectral radius of A is 1.1,"));
}

TEST_CASE("roots that are close, and different, are judged apart") {
  const Certificate turning =
      certify(rule_of("x[k+1] = x[k] - 0.00004*y[k] + T(x[k])\ny[k+1] = y[k] + 0.00004*x[k]"), 9);
  CHECK_FALSE(turning.preconsistent);
}

TEST_CASE("however deep the network is, no more than so many steps are looked at") {
  const Rule varying = rule_of("x[k+1] = x[k] + b[k]*T(x[k])", {sequenced("b", "fista")});
  CHECK(certify(varying, 10'000).judged_by->steps == certify(varying, 1'000).judged_by->steps);
}

TEST_CASE("numbers that are not finite are certified as nothing") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Learn learn : {Learn::shared, Learn::per_step}) {
    const Rule rule = shipped("heavy_ball", {learned(constant("beta", 0.5), learn)});
    CHECK_FALSE(certify(rule, 4, 0, [&](const Leaf&) { return nan; }).convergent);
  }
}

TEST_CASE("what varies without end is judged by some steps, and the certificate says so") {
  const auto with = [](const char* formula) {
    Coefficient beta;
    beta.name = "beta", beta.formula = formula;
    return certify(shipped("heavy_ball", {beta}), 9);
  };
  const Certificate settling = with("0.5*(k+1)/(k+2)");
  CHECK(settling.convergent);
  CHECK(settling.reason.ends_with(", as far as 256 steps show"));
  CHECK((settling.judged_by->steps == 256 && !settling.judged_by->repeats));
  const Certificate growing = with("1.1+1/(k+1)");
  CHECK(growing.preconsistent);
  CHECK(growing.reason.starts_with("not zero-stable"));
}

TEST_CASE("a learnable coefficient is judged at its current value") {
  const Rule rule = shipped("heavy_ball", {learned(constant("beta", 0.5))});
  CHECK(certify(rule, 4).convergent);
  CHECK(certify(rule, 4).eigenvalues.has_value());
  CHECK_FALSE(certify(rule, 4, 0, [](const Leaf&) { return 1.0; }).convergent);
  CHECK(certify(rule, 4, 2).coefficients == std::map<std::string, double>{{"beta[2]", 0.5}});
}

TEST_CASE("start and output are part of the certificate") {
  CHECK_FALSE(certify(rule_of("v[k+1] = v[k]\nx[k+1] = x[k] + T(x[k]) + 0*v[k+1] + v[k]"), 1).convergent);
  RuleSpec spec;
  spec.name = "velocity";
  spec.equations = "v[k+1] = 0.5*v[k] + T(x[k])\nx[k+1] = x[k] + v[k+1]";
  spec.start = {{"v", 0.0}};
  CHECK(certify(rule_of(spec), 1).convergent);
  spec.start = {{"v", 1.0}};  // moves the point before any module does
  CHECK_FALSE(certify(rule_of(spec), 1).started_and_read);
  spec.start = {{"v", 0.0}};
  spec.output = "v";
  CHECK_FALSE(certify(rule_of(spec), 1).started_and_read);
}

TEST_CASE("two points that are coupled by modules alone do not settle on one, but follow a coupled flow") {
  const Rule rule = rule_of("x[k+1] = x[k] + T(z[k])\nz[k+1] = z[k] + S(x[k+1])");
  const Certificate c = certify(rule, 1);
  CHECK(c.preconsistent);
  CHECK_FALSE(c.zero_stable);
  CHECK_FALSE(c.convergent);
  CHECK(c.reason == "not zero-stable: the root 1 has multiplicity 2, so the states do not settle on one point");
  REQUIRE(c.coupled.has_value());
  CHECK(equations(*c.coupled, rule) == std::vector<std::string>{"x' = T(z)", "z' = S(x)"});
}

TEST_CASE("a coupled flow is that of the rule's own states, whatever it remembers of earlier steps") {
  using Lines = std::vector<std::string>;
  const std::pair<const char*, Lines> rules[] = {
      // Chambolle and Pock 2011: the dual state is moved at an extrapolated point
      {"y[k+1] = y[k] + S(2*x[k] - x[k-1])\nx[k+1] = x[k] + T(y[k+1])", {"y' = S(x)", "x' = T(y)"}},
      {"x[k+1] = x[k] + 0.5*(x[k] - x[k-1]) + T(p[k])\np[k+1] = p[k] - 3*S(x[k+1])", {"x' = 2 T(p)", "p' = -3 S(x)"}},
      {"z[k+1] = z[k] + 2*T((x[k] + z[k])/2)\nx[k+1] = x[k] + T((x[k] + z[k])/2)",
       {"z' = 2 T(0.5 z + 0.5 x)", "x' = T(0.5 z + 0.5 x)"}},
      {"x[k+1] = x[k] + T(x[k] - 0.5*p[k])\np[k+1] = p[k] + S(x[k]) - S(x[k-1])", {"x' = T(x - 0.5 p)", "p' = 0"}},
  };
  for (const auto& [text, expected] : rules) {
    const Rule rule = rule_of(text);
    const Certificate c = certify(rule, 1);
    INFO(certificate_text(rule, c));
    REQUIRE(c.coupled.has_value());
    Lines lines = equations(*c.coupled, rule);
    std::sort(lines.begin(), lines.end());
    Lines sorted = expected;
    std::sort(sorted.begin(), sorted.end());
    CHECK(lines == sorted);
    CHECK_FALSE(c.convergent);
  }
}

TEST_CASE("there is no coupled flow where a root is defective, a start keeps swinging or a module sees what decays") {
  for (const char* text : {
           "v[k+1] = v[k] + S(x[k])\nx[k+1] = x[k] + v[k] + T(x[k])",
           "x[k+1] = x[k] + T(p[k])\np[k+1] = p[k] + S(x[k])\nd[k+1] = -d[k]\ny[k+1] = x[k+1] + d[k]",
           "x[k+1] = x[k] + T(p[k])\np[k+1] = p[k] + S(x[k] - x[k-1])",
           "x[k+1] = x[k] + T(x[k])\np[k+1] = 0.5*p[k] + 0.5*x[k]",  // a simple root: convergent
       }) {
    RuleSpec spec;
    spec.name = "rule";
    spec.equations = text;
    spec.output = spec.equations[spec.equations.rfind('\n') + 1];
    const Rule rule = rule_of(spec);
    INFO(certificate_text(rule, certify(rule, 1)));
    CHECK_FALSE(certify(rule, 1).coupled.has_value());
  }
}

TEST_CASE("a rule whose weights settle slowly is not certified, and the certificate says that it was not shown") {
  const Certificate slow = certify(rule_of("x[k+1] = x[k] + (1 + 3/(k+1))*T(x[k])"), 16);
  CHECK_FALSE(slow.convergent);
  CHECK_THAT(slow.reason, Catch::StartsWith("not shown: "));
}

TEST_CASE("modules whose effects cancel do not drive the state") {
  const Certificate c = certify(rule_of("x[k+1] = x[k] + T(x[k]) - T(x[k-1])"), 1);
  CHECK(c.preconsistent);
  CHECK(c.zero_stable);
  CHECK_FALSE(c.convergent);
  CHECK(c.effective_step->at("T") == Approx(0.0).margin(1e-12));
}

TEST_CASE("the JSON has every field of the schema, null where undefined") {
  const Rule rule = shipped("apg");
  const nlohmann::json object = certificate_json(rule, certify(rule, 3, 2));
  for (const char* key : {"rule",
                          "step",
                          "states",
                          "calls",
                          "A",
                          "B",
                          "C",
                          "D",
                          "start",
                          "output",
                          "coefficients",
                          "explicit",
                          "judged_by",
                          "eigenvalues",
                          "spectral_radius",
                          "preconsistent",
                          "zero_stable",
                          "effective_step",
                          "started_and_read",
                          "stability_constant",
                          "lipschitz_bound",
                          "modules_two_layer",
                          "convergent",
                          "certified",
                          "coupled",
                          "flows",
                          "universal",
                          "reason"}) {
    INFO(key);
    CHECK(object.contains(key));
  }
  CHECK(object["states"] == nlohmann::json({"x[k]", "x[k-1]", "T(x[k-1])"}));
  CHECK(object["eigenvalues"].is_null());
  CHECK(object["modules_two_layer"].is_null());
  CHECK(object["calls"][0] == nlohmann::json({{"family", "T"}, {"argument", "x[k]"}}));
  CHECK(object["A"].size() == 3);
  CHECK(object["start"] == nlohmann::json({1.0, 1.0, 0.0}));
  CHECK(object["universal"].is_null());
  CHECK(object["flows"].is_null());
  const Rule leapfrog = rule_of("p[k+1] = p[k] + T(x[k])\nx[k+1] = x[k] + S(p[k+1])");
  const nlohmann::json coupled = certificate_json(leapfrog, certify(leapfrog, 3));
  CHECK(coupled["coupled"] == true);
  CHECK(coupled["convergent"] == false);
  CHECK(coupled["certified"] == coupled["convergent"]);
  CHECK(coupled["flows"] == nlohmann::json({"p' = T(x)", "x' = S(p)"}));
}

TEST_CASE("a rule that ends beyond its depth is not judged, and within its depth is an error") {
  const Rule rule = rule_of("x[k+1] = x[k] + 1/(5-k)*T(x[k])");
  const Certificate certificate = certify(rule, 4);
  CHECK_FALSE(certificate.convergent);
  CHECK(certificate.reason.starts_with("not judged: beyond depth 4 the rule ends: "));
  CHECK(certificate.reason.ends_with("division by zero at k = 5"));
  CHECK_THROWS_AS(certify(rule, 9), optdnn::base::ConfigError);
}
