// Tableaux are lean and say what the equations say.
#include "algorithms/rules.h"
#include "optdnn/algorithms/sequences.h"
#include "optdnn/base/errors.h"
#include "support/contains_text.h"

using namespace optdnn::algorithms;
using optdnn::base::ConfigError;

namespace {

using Strings = std::vector<std::string>;

Eigen::MatrixXd matrix(int rows, int columns, std::vector<double> values) {
  return Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(values.data(), rows,
                                                                                            columns);
}

NumericTableau numbers(const Rule& rule, int k) { return evaluate(rule.step(k), starts_of(rule)); }

size_t entries(const Matrix& matrix) {
  size_t count = 0;
  for (const Row& row : matrix.rows) count += row.size();
  return count;
}

}  // namespace

TEST_CASE("every rule of the catalogue makes a well-formed tableau at every step") {
  for (const CatalogueRule& row : catalogue()) {
    INFO(row.name);
    const Rule rule = shipped(row.name);
    CHECK_FALSE(row.help.empty());
    CHECK_FALSE(row.source.empty());
    for (int k = 0; k < 6; ++k) {
      const Tableau t = rule.step(k);
      const auto states = static_cast<int>(t.states.size()), calls = static_cast<int>(t.calls.size());
      CHECK(t.A.columns == states);
      CHECK(t.B.columns == calls);
      CHECK(t.C.columns == states);
      CHECK(t.D.columns == calls);
      CHECK(t.A.rows.size() == t.next_states.size());
      CHECK(t.B.rows.size() == t.next_states.size());
      CHECK(t.C.rows.size() == t.calls.size());
      CHECK(t.D.rows.size() == t.calls.size());
      CHECK(rule.step(k + 1).states.size() == t.next_states.size());
      for (const Matrix* m : {&t.A, &t.B, &t.C, &t.D}) {
        for (const Row& r : m->rows) {
          for (size_t i = 0; i < r.size(); ++i) {
            CHECK_FALSE(r[i].value.is_zero());
            CHECK((r[i].column >= 0 && r[i].column < m->columns));
            if (i > 0) CHECK(r[i - 1].column < r[i].column);
          }
        }
      }
      for (size_t i = 0; i < t.D.rows.size() && rule.is_explicit(); ++i) {
        for (const Term& term : t.D.rows[i]) CHECK(term.column < static_cast<int>(i));
      }
    }
  }
}

TEST_CASE("gradient descent costs what a residual network costs") {
  const Tableau t = shipped("gradient_descent").step(7);
  CHECK(t.states == Strings{"x[k]"});
  CHECK(t.next_states == Strings{"x[k+1]"});
  CHECK(t.calls.size() == 1);
  CHECK(t.calls[0].argument == "x[k]");
  for (const Matrix* m : {&t.A, &t.B, &t.C}) {
    REQUIRE(entries(*m) == 1);
    CHECK(m->rows[0][0].value.is_one());
  }
  CHECK(entries(t.D) == 0);
}

TEST_CASE("apg2 has the states x and z and calls T once") {
  const Rule rule = shipped("apg2");
  const Tableau t = rule.step(0);
  CHECK(t.states == Strings{"x[k]", "z[k]"});
  CHECK(t.calls.size() == 1);
  const auto n = numbers(rule, 0);
  CHECK(n.A == matrix(2, 2, {0.5, 0.5, 0.0, 1.0}));
  CHECK(n.B == matrix(2, 1, {1.0, 1.5}));
  CHECK(n.C == matrix(1, 2, {0.5, 0.5}));
}

TEST_CASE("a coefficient of zero drops what it multiplied") {
  CHECK(shipped("apg2", {constant("theta", 0.0)}).step(0).states == Strings{"x[k]"});
  CHECK(shipped("heavy_ball", {constant("beta", 0.0)}).step(0).states == Strings{"x[k]"});
}

TEST_CASE("apg remembers the last module result, which starts at zero") {
  const Rule rule = shipped("apg");
  const Tableau t = rule.step(4);
  CHECK(t.states == Strings{"x[k]", "x[k-1]", "T(x[k-1])"});
  CHECK(t.calls.size() == 1);
  const Row start = rule.start();
  REQUIRE(start.size() == 2);
  CHECK(start[0].column == 0);
  CHECK(start[1].column == 1);
}

TEST_CASE("a late call without a twin is evaluated now; with one it is remembered") {
  const Tableau late = rule_of("x[k+1] = x[k] + T(x[k-1])").step(3);
  CHECK(late.states == Strings{"x[k]", "x[k-1]"});
  REQUIRE(late.calls.size() == 1);
  CHECK(late.calls[0].argument == "x[k-1]");

  const Tableau twins = rule_of("x[k+1] = x[k] + 1.5*T(x[k]) - 0.5*T(x[k-1])").step(3);
  CHECK(twins.states == Strings{"x[k]", "T(x[k-1])"});
  CHECK(twins.calls.size() == 1);

  const Tableau middle = rule_of("x[k+1] = x[k] + T(x[k] - x[k-1]) + T(x[k-2] - x[k-3])").step(5);
  CHECK(middle.states == Strings{"x[k]", "x[k-1]", "T(x[k-1] - x[k-2])", "T(x[k-2] - x[k-3])"});

  const Tableau trapezoid = rule_of("x[k+1] = x[k] + 0.5*T(x[k]) + 0.5*T(x[k+1])").step(2);
  CHECK(trapezoid.states == Strings{"x[k]", "T(x[k])"});
  REQUIRE(trapezoid.calls.size() == 1);
  CHECK(trapezoid.calls[0].argument == "x[k+1]");
}

TEST_CASE("a call written twice is evaluated once, and different families are different calls") {
  CHECK(rule_of("x[k+1] = x[k] + T(x[k]) + 2*T( x[k] )").step(0).calls.size() == 1);
  CHECK(rule_of("x[k+1] = x[k] + T(x[k]) + S(x[k])").step(0).calls.size() == 2);
  CHECK(rule_of("x[k+1] = x[k] + T(x[k] + T(x[k]))").step(0).calls.size() == 2);
}

TEST_CASE("twins depend on coefficients that move with k, not on constants") {
  const char* const equations = "x[k+1] = x[k] + T(b*x[k]) - T(b*x[k-1])";
  CHECK(rule_of(equations, {constant("b", 0.5)}).step(2).calls.size() == 1);
  CHECK(rule_of(equations, {learned(constant("b", 0.5), Learn::shared)}).step(2).calls.size() == 1);
  CHECK(rule_of(equations, {sequenced("b", "theta")}).step(2).calls.size() == 2);
  CHECK(rule_of("x[k+1] = x[k] + T(b[k+1]*x[k]) - T(b[k]*x[k-1])", {sequenced("b", "theta")}).step(2).calls.size() ==
        1);
}

TEST_CASE("the absolute x[0] is a state of its own") {
  const Rule rule = rule_of("x[k+1] = x[k] + 0.1*(x[0] - x[k]) + T(x[k])");
  CHECK(rule.is_constant());
  const Tableau t = rule.step(0);
  CHECK(t.states == Strings{"x[k]", "x[0]"});
  CHECK(t.next_states == Strings{"x[k+1]", "x[0]"});
  CHECK(numbers(rule, 3).A == matrix(2, 2, {0.9, 0.1, 0.0, 1.0}));
}

TEST_CASE("a dense rule grows by one state per step, newest first") {
  const Rule rule = shipped("dense");
  const Tableau t = rule.step(2);
  CHECK(t.states == Strings{"x[k]", "x[k-1]", "x[0]"});
  CHECK(t.next_states == Strings{"x[k+1]", "x[k]", "x[k-1]", "x[0]"});
  REQUIRE(t.calls.size() == 3);
  for (int j = 0; j < 3; ++j) CHECK(t.calls[j].fresh == j);
  CHECK_FALSE(rule.is_constant());
  const Tableau remembered = shipped("nesterov_dense").step(2);
  CHECK(remembered.states == Strings{"x[k]", "T(x[k-1])", "T(x[0])"});
  CHECK(remembered.calls.size() == 1);
}

TEST_CASE("sums over a window are a constant rule") {
  const Rule window = rule_of("x[k+1] = x[k] + sum(j, 0, 2, T(x[k-j]))/3");
  CHECK(window.is_constant());
  CHECK(window.step(0).states == Strings{"x[k]", "T(x[k-1])", "T(x[k-2])"});
  const Rule by_state = rule_of("x[k+1] = x[k] + sum(j, k-2, k, T(x[j]))/3");
  CHECK(numbers(by_state, 4).A == numbers(window, 4).A);
  CHECK(by_state.is_constant());
}

TEST_CASE("a lagged intermediate is a state that starts from its line without modules") {
  const Rule rule = rule_of(
      "y[k] = 0.25*x[k] + 0.5*x[k-1] + T(x[k])\n"
      "x[k+1] = x[k] + y[k] - y[k-1]");
  CHECK(rule.step(0).states == Strings{"y[k-1]", "x[k]", "x[k-1]"});
  const Row start = rule.start();
  REQUIRE(start.size() == 3);
  CHECK(start[0].value.constant() == 0.75);
  const Rule velocity = rule_of("v[k] = 0.9*v[k-1] + T(x[k])\nx[k+1] = x[k] + v[k]", {}, {{"v", 0.0}});
  CHECK(velocity.step(0).states == Strings{"v[k-1]", "x[k]"});
  CHECK(velocity.start().size() == 1);
}

TEST_CASE("linear unknowns are eliminated") {
  const Rule own = rule_of("x[k+1] = x[k] + 0.5*x[k+1] + T(x[k])");
  CHECK(numbers(own, 0).A == matrix(1, 1, {2.0}));
  CHECK(numbers(own, 0).B == matrix(1, 1, {2.0}));
  CHECK(own.is_explicit());
  // Solvable, though neither line can be solved for its own state.
  const Rule crossed = rule_of("x[k+1] = x[k+1] + z[k+1] - x[k] - T(x[k])\nz[k+1] = x[k+1] + z[k+1] - z[k]");
  CHECK(numbers(crossed, 0).A == matrix(2, 2, {0.0, 1.0, 1.0, 0.0}));
  CHECK(crossed.is_explicit());
}

TEST_CASE("implicit rules put the unknown into D") {
  const Rule pgd = shipped("pgd");
  CHECK_FALSE(pgd.is_explicit());
  CHECK(numbers(pgd, 0).D == matrix(2, 2, {0.0, 0.0, 1.0, 1.0}));
  CHECK_FALSE(shipped("admm").is_explicit());
  CHECK(shipped("ladmm").is_explicit());
  // Written below its use, but not used by what it depends on: explicit after sorting.
  CHECK(rule_of("x[k+1] = x[k] + T(z[k+1])\nz[k+1] = z[k] + S(x[k])").is_explicit());
}

TEST_CASE("learnable coefficients stay symbols, one per index tuple or one for all") {
  const Rule rule = shipped("apg2", {learned(constant("gamma", 1.5)), learned(constant("theta", 0.5), Learn::shared)});
  std::set<Leaf> leaves;
  collect_leaves(rule.step(3), leaves);
  CHECK(leaves == std::set<Leaf>{{0, {}}, {1, {3}}});
  CHECK_FALSE(rule.is_constant());
  CHECK(rule.step(3).A.rows[0][0].value.text({"theta", "gamma", "delta"}) == "1 - theta");
  CHECK(rule.initial_value({1, {3}}) == 1.5);
  CHECK(shipped("nesterov_dense").initial_value({0, {3, 1}}) == Approx(0.1223).margin(5e-5));
}

TEST_CASE("an intermediate before step 0 has the learned coefficients of its line") {
  const auto start_of = [](const std::string& line, Learn learn) {
    const Rule rule = rule_of(line + "\nx[k+1] = y[k] + 0.5*y[k-1] + T(y[k])", {learned(constant("b", 0.5), learn)});
    const std::vector<std::string> states = rule.step(0).states;
    for (const Term& term : rule.start()) {
      if (states[term.column] == "y[k-1]") return term.value.text({"b"});
    }
    return std::string("0");
  };
  CHECK(start_of("y[k] = b*x[k]", Learn::shared) == "b");
  CHECK(start_of("y[k] = b*x[k]", Learn::per_step) == "b[-1]");
  CHECK(start_of("y[k] = b*x[k]", Learn::no) == "0.5");
  // Where they cancel it is a number.
  CHECK(start_of("y[k] = x[k] + b*(x[k] - x[k-1])", Learn::per_step) == "1");
  CHECK(start_of("y[k] = b*x[k] - b*x[k-1]", Learn::shared) == "0");
}

TEST_CASE("the sequences have the printed values") {
  const auto values = [](const char* name, std::vector<int> at) { return *find_sequence(name)->value(at); };
  const std::vector<double> theta = {1, .6180, .4559, .3637, .3035, .2609},
                            fista = {0, 0, .2818, .4340, .5311, .5988, .6489};
  for (int k = 0; k < 6; ++k) CHECK(values("theta", {k}) == Approx(theta[k]).margin(5e-5));
  for (int k = 0; k < 7; ++k) CHECK(values("fista", {k}) == Approx(fista[k]).margin(5e-5));
  const std::vector<std::vector<double>> dense = {{1}, {0, 1.2818}, {0, .1223, 1.4340}, {0, .0649, .2305, 1.5311}};
  for (int k = 0; k < 4; ++k) {
    for (int j = 0; j <= k; ++j) CHECK(values("nesterov_dense", {k + 1, j}) == Approx(dense[k][j]).margin(5e-5));
  }
  CHECK_FALSE(find_sequence("nesterov_dense")->value({2, 2}).has_value());
}

TEST_CASE("a step that divides by zero is an error with its place") {
  const Rule rule = rule_of("x[k+1] = x[k] + T(x[k])/(9 - k)");
  CHECK_NOTHROW(rule.step(8));
  REQUIRE_THROWS_AS(rule.step(9), ConfigError);
  CHECK_THROWS_WITH(rule.step(9), optdnn::tests::contains_text("division by zero at k = 9"));
}

TEST_CASE("an unknown rule or coefficient is answered with a suggestion") {
  optdnn::base::Diagnostics diagnostics;
  CHECK_THROWS_WITH(catalogue_spec("apg3", {}, diagnostics), "unknown rule 'apg3'");
  catalogue_spec("apg2", {constant("gama", 1.0)}, diagnostics);
  REQUIRE(diagnostics.errors() == 1);
  CHECK(diagnostics.all()[0].hint == "did you mean 'gamma'? coefficients: theta, gamma, delta");
}

TEST_CASE("an override without a value keeps the default one") {
  Coefficient gamma;
  gamma.name = "gamma";
  gamma.learn = Learn::per_step;
  gamma.range = Range{0.0, 3.0};
  const Rule rule = shipped("apg2", {gamma});
  CHECK(rule.coefficients()[1].value == 1.5);
  CHECK(rule.initial_value({1, {0}}) == 1.5);
}

TEST_CASE("signs may stand before any factor, as scripts write them") {
  const auto dense = [](const std::string& equations) {
    const NumericTableau t = numbers(rule_of(equations, {constant("a", 0.25)}), 1);
    return std::vector<Eigen::MatrixXd>{t.A, t.B, t.C, t.D};
  };
  const auto plain = dense("x[k+1] = x[k] - 0.5*T(x[k]) + a*(x[k] - x[k-1])");
  for (const char* same : {
           "x[k+1] = x[k] + -0.5*T(x[k]) + a*(x[k] - x[k-1])",
           "x[k+1] = +x[k] +-0.5*T(x[k]) - -a*(x[k] +- x[k-1])",
           "x[k+1] = --x[k] + 0.5*-T(+x[k]) + -a*(-x[k] - -x[k+-1])",
           "x[k+1] = x[k] + -1*-1*-0.5*T(x[k - +0]) + a*+(x[k] + -+x[k-1])",
           "x[k+1] = - -x[k] - 0.5 / +1 * T(x[k]) + -a/-1*(x[k] - x[k- -- 1])",
       }) {
    INFO(same);
    CHECK(dense(same) == plain);
  }
}
