// The paper's theorem on every rule of the catalogue: a rule converges at first order or better exactly where
// its certificate says so.
#include <numbers>

#include "algorithms/rules.h"
#include "optdnn/algorithms/convergence.h"

using namespace optdnn::algorithms;

namespace {

const std::vector<int> kDepths = {16, 32, 64, 128, 256};

Convergence measure(const Rule& rule, const std::vector<int>& depths = kDepths) {
  std::vector<VectorField> fields(rule.families().size(), VectorField::two_layer);
  fields.front() = VectorField::pendulum;
  return measure_convergence(rule, fields, {1.0, 0.5}, depths);
}

void require_agreement(const Rule& rule, const Convergence& c) {
  INFO(rule.equations() << "\n" << c.certificate.reason << "\norder " << c.order.value_or(-99.0));
  REQUIRE(c.converges == c.promised);
}

}  // namespace

TEST_CASE("every rule of the catalogue converges to its flow exactly where its certificate says so") {
  for (const CatalogueRule& entry : catalogue()) {
    INFO(entry.name);
    const Rule rule = shipped(entry.name);
    require_agreement(rule, measure(rule));
  }
}

TEST_CASE("rules under other coefficients converge exactly where their certificates say so") {
  for (const double beta : {-0.5, 0.0, 0.7, 1.0, 1.1}) {
    for (const char* name : {"heavy_ball", "nesterov"}) {
      INFO(name << ", beta " << beta);
      const Rule rule = shipped(name, {constant("beta", beta)});
      require_agreement(rule, measure(rule, {64, 128, 256, 512, 1024}));
    }
  }
  const auto listed = [](std::vector<double> values, bool repeat) {
    Coefficient beta;
    beta.name = "beta", beta.values = std::move(values), beta.repeat = repeat;
    return shipped("heavy_ball", {beta});
  };
  for (const Rule& rule : {listed({1.3, 0.2, 0.5}, false), listed({0.9, 0.1, 0.4}, true), listed({1.2, 0.6}, true),
                           listed({0.5, 1.0}, false), listed({1.4, 0.9}, true)})
    require_agreement(rule, measure(rule, {64, 128, 256, 512, 1024}));
  for (const Rule& rule :
       {shipped("apg", {constant("b", 0.5)}), shipped("fista", {constant("b", 0.5)}),
        shipped("nesterov", {sequenced("beta", "fista")}), shipped("apg2", {constant("theta", 0.0)})})
    require_agreement(rule, measure(rule));
}

TEST_CASE("rules of one's own converge exactly where their certificates say so") {
  for (const char* equations : {
           "x[k+1] = x[k] + 1.5*T(x[k]) - 0.5*T(x[k-1])",
           "x[k+1] = x[k-1] + T(x[k])",
           "x[k+1] = x[k] - T(x[k-3])",
           "x[k+1] = x[k] + (T(x[k]) + T(x[k+1]))/2",
           "x[k+1] = x[0] + sum(j, 0, k, T(x[j]))",
           "x[k+1] = x[k] + T(x[k]) - T(x[k-1])",                                       // not driven
           "x[k+1] = x[k] + T(x[k]/2)",                                                 // not preconsistent
           "x[k+1] = 0.9*x[k] + T(x[k])",                                               // not preconsistent
           "x[k+1] = 1.1*x[k] - 0.1*x[0] + T(x[k])",                                    // not zero-stable
           "x[k+1] = x[k] + 2*(x[k] - x[k-1]) + T(x[k])",                               // not zero-stable
           "x[k+1] = x[k] + T(x[k])/(k+1)",                                             // less and less
           "x[k+1] = x[0]/(k+2) + (1 - 1/(k+2))*(x[k] + T(x[k]))",                      // Halpern: late ones count more
           "y[k+1] = y[k] + T(y[k])\nx[k+1] = (k*x[k] + y[k+1])/(k+1)",                 // a mean: early ones count more
           "x[k+1] = x[k] + 2*sum(j, 0, k, (j+1)*T(x[j]))/((k+1)*(k+2))",               // not alike
           "x[k+1] = x[k] + v[k] + T(x[k])\nv[k+1] = v[k]",                             // not started
           "z[k+1] = z[k] + 2*T((x[k] + z[k])/2)\nx[k+1] = x[k] + T((x[k] + z[k])/2)",  // two points
           "p[k+1] = p[k] + T(x[k])\nx[k+1] = x[k] + S(p[k+1])",                        // leapfrog
           "y[k+1] = y[k] + S(2*x[k] - x[k-1])\nx[k+1] = x[k] + T(y[k+1])",             // Chambolle and Pock
           "x[k+1] = x[k] + 0.5*(x[k] - x[k-1]) + T(p[k])\np[k+1] = p[k] - 3*S(x[k+1])",
           "v[k+1] = v[k] + S(x[k])\nx[k+1] = x[k] + v[k] + T(x[k])",  // a defective root
       }) {
    const Rule rule = rule_of(equations);
    require_agreement(rule, measure(rule));
  }
}

TEST_CASE("the fitted order is that of the method") {
  const std::pair<Rule, double> methods[] = {
      {shipped("gradient_descent"), 1.0},
      {shipped("apg2"), 1.0},
      {shipped("pgd"), 1.0},
      {rule_of("x[k+1] = x[k] + T(x[k] + T(x[k])/2)"), 2.0},
      {rule_of("x[k+1] = x[k] + (T(x[k]) + T(x[k] + T(x[k])))/2"), 2.0},
      {shipped("runge_kutta4"), 4.0},
  };
  for (const auto& [rule, order] : methods) {
    INFO(rule.equations());
    CHECK(measure(rule).order.value() == Approx(order).margin(0.05));
  }
}

TEST_CASE("what grows with the depth has no effective step, and neither has heavy ball without damping") {
  const Convergence fista = measure(shipped("apg"));
  REQUIRE_FALSE(fista.effective_step.has_value());
  REQUIRE(fista.errors.at(256) > 10.0 * fista.errors.at(16));
  REQUIRE_FALSE(measure(shipped("heavy_ball", {constant("beta", 1.0)})).converges);
  REQUIRE_FALSE(measure(shipped("heavy_ball_2018")).converges);
}

TEST_CASE("a measured effective step is that of the certificate") {
  // One T sees no point: no certificate, but together they move x by two.
  const Rule rule = rule_of("x[k+1] = x[k] + T(x[k]) + T(x[k] - x[k-1])");
  const Convergence c = measure(rule);
  REQUIRE_FALSE(c.certificate.effective_step.has_value());
  REQUIRE(c.effective_step->at("T") == Approx(2.0).margin(1e-9));
}

TEST_CASE("leapfrog is measured against its coupled flow") {
  const Rule rule = rule_of("p[k+1] = p[k] + T(x[k])\nx[k+1] = x[k] + S(p[k+1])");
  const Convergence c = measure_convergence(rule, {VectorField::rotation, VectorField::rotation}, {1.0, 0.5}, kDepths);
  REQUIRE(c.promised);
  REQUIRE(c.converges);
  REQUIRE_FALSE(c.effective_step.has_value());
  // p' = J x, x' = J p from p = x: x keeps equal to p, so both turn by the time, an angle of one.
  const Point end = run_rule(rule, 4096, {1.0, 0.5},
                             [](int, const Point& s) { return Point(evaluate(VectorField::rotation, s) / 4096); }, {});
  REQUIRE((end - Point(std::cos(1.0) - 0.5 * std::sin(1.0), std::sin(1.0) + 0.5 * std::cos(1.0))).norm() < 1e-3);
  REQUIRE(c.errors.at(256) < 0.01);
}

TEST_CASE("the reference is the exact flow, and its time may be negative") {
  const Point start(1.0, 0.5);
  for (const double time : {1.0, -2.5, 10.0}) {
    const auto rotation = [&](const PointColumns& s) {
      return PointColumns(std::copysign(1.0, time) * evaluate(VectorField::rotation, s.col(0)));
    };
    const Point end = flow(rotation, start, std::abs(time));
    const Point exact(std::cos(time) * start.x() - std::sin(time) * start.y(),
                      std::sin(time) * start.x() + std::cos(time) * start.y());
    REQUIRE((end - exact).norm() < 1e-12);
  }
  // The pendulum keeps its energy.
  const auto energy = [](const Point& s) { return s.y() * s.y() / 2.0 - std::cos(s.x()); };
  const Point end =
      flow([](const PointColumns& s) { return PointColumns(evaluate(VectorField::pendulum, s.col(0))); }, start, 10.0);
  REQUIRE(std::abs(energy(end) - energy(start)) < 1e-12);
}

TEST_CASE("an implicit step is solved to machine precision, and where there is no fixed point the error says so") {
  const Rule rule = shipped("proximal_point");
  const auto half = [](int, const Point& s) { return Point(-0.5 * s); };
  const Point end = run_rule(rule, 3, {1.0, -2.0}, half, {});
  REQUIRE((end - Point(1.0, -2.0) / std::pow(1.5, 3)).norm() < 1e-14);
  const auto steep = [](int, const Point& s) { return Point(-3.0 * s); };
  REQUIRE_FALSE(run_rule(rule, 3, {1.0, -2.0}, steep, {}).allFinite());
}

TEST_CASE("an effective step too large for a flow to compare with is refused") {
  REQUIRE_THROWS_AS(measure(rule_of("x[k+1] = x[k] + 2000*T(x[k])")), optdnn::base::ConfigError);
}
