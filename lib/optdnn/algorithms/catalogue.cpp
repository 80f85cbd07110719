#include "optdnn/algorithms/catalogue.h"

#include <algorithm>

#include "optdnn/algorithms/given_values.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

namespace {

Coefficient number(std::string name, double value) {
  Coefficient coefficient;
  coefficient.name = std::move(name);
  coefficient.value = value;
  return coefficient;
}
Coefficient sequence(std::string name, std::string sequence) {
  Coefficient coefficient;
  coefficient.name = std::move(name);
  coefficient.sequence = std::move(sequence);
  return coefficient;
}
Coefficient learned(Coefficient coefficient) {
  coefficient.learn = Learn::per_step;
  return coefficient;
}

// Paper: ResNet and DenseNet as special cases, the names LADMM, APG2, PGD and FISTA, form (1). Its formulas and tables
// could not be had, so every equation below is inferred: `source` says from where, and "name: Wu et al. 2024" that the
// paper has a network of that name, not that its equation is this one. T stands for minus the scaled gradient.
// clang-format off
std::vector<CatalogueRule> make_catalogue() {
  return {
      {.name = "gradient_descent", .help = "x + T(x), the residual network",
       .equations = "x[k+1] = x[k] + T(x[k])",
       .source = "ResNet, a special case of Wu et al. 2024 by its text"},

      {.name = "heavy_ball", .help = "gradient descent with momentum",
       .equations = "x[k+1] = x[k] + beta*(x[k] - x[k-1]) + T(x[k])",
       .coefficients = {number("beta", 0.5)},
       .source = "Polyak 1964; Li et al. 2018"},

      {.name = "nesterov", .help = "momentum, with T at the extrapolated point",
       .equations = "y[k]   = x[k] + beta*(x[k] - x[k-1])\n"
                    "x[k+1] = y[k] + T(y[k])",
       .coefficients = {number("beta", 0.5)},
       .source = "Nesterov, strongly convex case; Li et al. 2018"},

      {.name = "nesterov_dense", .help = "Nesterov's iterates as sums over all earlier modules",
       .equations = "x[k+1] = x[k] + sum(j, 0, k, h[k+1,j]*T(x[j]))",
       .coefficients = {learned(sequence("h", "nesterov_dense"))},
       .source = "Li et al. 2018 (AGD2); at its start the network of apg", .same_network_as = "apg"},

      {.name = "dense", .help = "dense connections as sums, a fresh module for each pair",
       .equations = "x[k+1] = x[0] + sum(j, 0, k, a[k+1,j]*T[k,j](x[j]))",
       .coefficients = {learned(number("a", 1.0))},
       .source = "DenseNet, a special case of Wu et al. 2024 by its text, as sums; Li et al. 2018, there without x[0]"},

      {.name = "apg", .help = "accelerated proximal gradient, the extrapolated point as the state",
       .equations = "x[k+1] = (1 + b[k+1])*(x[k] + T(x[k])) - b[k+1]*(x[k-1] + T(x[k-1]))",
       .coefficients = {sequence("b", "fista")},
       .source = "inferred: Beck, Teboulle 2009, in form (1) of Wu et al. 2024"},

      // Choice: delta apart from theta*gamma (then it is nesterov) and from gamma (then it is gradient_descent).
      {.name = "apg2", .help = "two coupled sequences, relaxed",
       .equations = "y[k]   = (1 - theta)*x[k] + theta*z[k]\n"
                    "z[k+1] = z[k] + gamma*T(y[k])\n"
                    "x[k+1] = y[k] + delta*T(y[k])",
       .coefficients = {number("theta", 0.5), number("gamma", 1.5), number("delta", 1.0)},
       .source = "inferred: Auslender, Teboulle 2006; Tseng 2008, method 2; name: Wu et al. 2024"},

      {.name = "ladmm", .help = "linearised alternating directions, two modules",
       .equations = "z[k+1] = (z[k] + T(z[k]) + y[k] - l[k])/2\n"
                    "y[k+1] = (y[k] + S(y[k]) + z[k+1] + l[k])/2\n"
                    "l[k+1] = l[k] + z[k+1] - y[k+1]",
       .start = {{"l", 0.0}},
       .source = "Li et al. 2018; name: Wu et al. 2024"},

      {.name = "pgd", .help = "proximal gradient descent, the prox as its optimality condition",
       .equations = "x[k+1] = x[k] + T(x[k]) + S(x[k+1])",
       .source = "inferred: the optimality condition of the prox; name: Wu et al. 2024"},

      {.name = "fista", .help = "accelerated proximal gradient descent with an implicit prox",
       .equations = "y[k]   = x[k] + b[k]*(x[k] - x[k-1])\n"
                    "x[k+1] = y[k] + T(y[k]) + S(x[k+1])",
       .coefficients = {sequence("b", "fista")},
       .source = "inferred: Beck, Teboulle 2009; name: Wu et al. 2024"},

      {.name = "admm", .help = "alternating directions, both steps as optimality conditions",
       .equations = "z[k+1] = y[k] - l[k] + T(z[k+1])\n"
                    "y[k+1] = z[k+1] + l[k] + S(y[k+1])\n"
                    "l[k+1] = l[k] + z[k+1] - y[k+1]",
       .start = {{"l", 0.0}},
       .source = "inferred: the optimality conditions of ADMM with penalty 1, as form (1) of Wu et al. 2024"},

      {.name = "proximal_point", .help = "the implicit Euler step",
       .equations = "x[k+1] = x[k] + T(x[k+1])",
       .source = "Rockafellar 1976"},

      {.name = "heavy_ball_2018", .help = "heavy ball as the ancestor trained it; not preconsistent",
       .equations = "x[k+1] = x[k] - x[k-1] + T(x[k])",
       .source = "Li et al. 2018 (HB-Net)"},

      {.name = "momentum", .help = "heavy ball with a velocity",
       .equations = "v[k+1] = g*v[k] + (1 - g)*T(x[k])\n"
                    "x[k+1] = x[k] + v[k+1]",
       .coefficients = {number("g", 0.5)}, .start = {{"v", 0.0}},
       .source = "Sander et al. 2021; heavy_ball with beta = g and T scaled by 1-g", .same_network_as = "heavy_ball"},

      {.name = "runge_kutta4", .help = "the classical Runge-Kutta method, one module per step",
       .equations = "a[k]   = T(x[k])\n"
                    "b[k]   = T(x[k] + a[k]/2)\n"
                    "c[k]   = T(x[k] + b[k]/2)\n"
                    "d[k]   = T(x[k] + c[k])\n"
                    "x[k+1] = x[k] + (a[k] + 2*b[k] + 2*c[k] + d[k])/6",
       .source = "Kutta 1901"},
  };
}
// clang-format on

}  // namespace

const std::vector<CatalogueRule>& catalogue() {
  static const std::vector<CatalogueRule> rules = make_catalogue();
  return rules;
}

const CatalogueRule* find_rule(std::string_view name) {
  for (const CatalogueRule& rule : catalogue()) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

RuleSpec catalogue_spec(std::string_view name, const std::vector<Coefficient>& overrides,
                        base::Diagnostics& diagnostics, const base::SourceSpan& span) {
  const CatalogueRule* rule = find_rule(name);
  if (!rule) {
    std::vector<std::string> names;
    for (const CatalogueRule& known : catalogue()) names.push_back(known.name);
    throw base::ConfigError(base::concat("unknown rule '", name, "'"), base::suggestion(name, names, "rules"));
  }
  RuleSpec spec;
  spec.name = rule->name;
  spec.equations = rule->equations;
  spec.coefficients = rule->coefficients;
  spec.start = rule->start;
  spec.output = rule->output;
  spec.span = span;
  for (const Coefficient& given : overrides) {
    const auto known = std::find_if(spec.coefficients.begin(), spec.coefficients.end(),
                                    [&](const Coefficient& c) { return c.name == given.name; });
    if (known == spec.coefficients.end()) {
      std::vector<std::string> names;
      for (const Coefficient& c : spec.coefficients) names.push_back(c.name);
      diagnostics.error(given.span.source ? given.span : span,
                        base::concat("rule '", name, "' has no coefficient '", given.name, "'"),
                        names.empty() ? "it has none" : base::suggestion(given.name, names, "coefficients"));
      continue;
    }
    const Coefficient standard = *known;
    *known = given;
    if (count_given(given) == 0) {
      known->value = standard.value;
      known->sequence = standard.sequence;
      known->values = standard.values;
      known->repeat = standard.repeat;
      known->formula = standard.formula;
    }
  }
  return spec;
}

}  // namespace optdnn::algorithms
