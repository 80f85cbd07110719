// Which rules are the same network, and which are not: the traps of the catalogue.
#include "algorithms/network.h"
#include "algorithms/rules.h"

using namespace optdnn::algorithms;

namespace {

constexpr int kDepth = 8;

double difference(const Rule& a, const Rule& b) { return difference(unroll(a, kDepth), unroll(b, kDepth)); }

const char* const kNesterov =
    "y[k] = x[k] + b[k]*(x[k] - x[k-1])\n"
    "x[k+1] = y[k] + T(y[k])";

}  // namespace

TEST_CASE("no two rows of the catalogue are the same network unless one says so") {
  for (const CatalogueRule& a : catalogue()) {
    for (const CatalogueRule& b : catalogue()) {
      if (&a == &b) continue;
      const bool said = a.same_network_as == b.name || b.same_network_as == a.name;
      INFO(a.name << " and " << b.name);
      const double gap = difference(shipped(a.name), shipped(b.name));
      if (said) CHECK(gap < 1e-12);
      if (!said) CHECK(gap > 1e-3);
    }
  }
}

TEST_CASE("FISTA without a prox, Auslender-Teboulle and Tseng's third method are one network") {
  const Rule fista = rule_of(kNesterov, {sequenced("b", "fista")});
  const Rule auslender_teboulle = rule_of(
      "y[k]   = (1 - theta)*x[k] + theta*z[k]\n"
      "z[k+1] = z[k] + T(y[k])/theta\n"
      "x[k+1] = (1 - theta)*x[k] + theta*z[k+1]",
      {sequenced("theta", "theta")});
  const Rule tseng_third = rule_of(
      "y[k]   = (1 - theta)*x[k] + theta*z[k]\n"
      "z[k+1] = x[0] + sum(j, 0, k, T(y[j])/theta[j])\n"
      "x[k+1] = (1 - theta)*x[k] + theta*z[k+1]",
      {sequenced("theta", "theta")});
  CHECK(difference(fista, auslender_teboulle) < 1e-12);
  CHECK(difference(fista, tseng_third) < 1e-12);
  CHECK(difference(fista, shipped("apg")) > 1e-3);
}

TEST_CASE("classical apg2 is Nesterov's method, and with delta = gamma it is gradient descent") {
  const Rule classical = shipped("apg2", {constant("delta", 0.75)});
  CHECK(difference(classical, shipped("nesterov", {constant("beta", 0.5)})) < 1e-12);
  CHECK(difference(shipped("apg2", {constant("delta", 1.5)}), shipped("gradient_descent")) < 1e-12);
  CHECK(difference(shipped("apg2"), shipped("nesterov")) > 1e-3);
}

TEST_CASE("dense sums with one module per state are gradient descent") {
  const Rule sums = rule_of("x[k+1] = x[0] + sum(j, 0, k, T(x[j]))");
  CHECK(difference(sums, shipped("gradient_descent")) < 1e-12);
  CHECK(sums.step(5).calls.size() == 1);
  CHECK(shipped("dense").step(5).calls.size() == 6);
}

TEST_CASE("momentum is heavy ball with scaled modules for every g") {
  for (const double g : {0.1, 0.5, 0.9}) {
    CHECK(difference(shipped("momentum", {constant("g", g)}), shipped("heavy_ball", {constant("beta", g)})) < 1e-12);
  }
}

TEST_CASE("heavy ball and Nesterov have the same A and B and differ in where T is evaluated") {
  const Rule heavy_ball = shipped("heavy_ball"), nesterov = shipped("nesterov");
  const auto a = evaluate(heavy_ball.step(3), starts_of(heavy_ball)),
             b = evaluate(nesterov.step(3), starts_of(nesterov));
  CHECK(a.A == b.A);
  CHECK(a.B == b.B);
  CHECK(a.C != b.C);
}
