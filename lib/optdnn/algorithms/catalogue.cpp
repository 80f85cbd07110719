#include "optdnn/algorithms/catalogue.h"

#include <algorithm>

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

// Choice: apart from the names in its text, the paper's formulas are not available; the sources say where each form is
// taken from. T stands for minus the scaled gradient.
std::vector<CatalogueRule> make_catalogue() {
  return {
      {"gradient_descent",
       "x + T(x), the residual network",  //
       "x[k+1] = x[k] + T(x[k])",         //
       {},
       {},
       "",
       "ResNet; Wu et al. 2024",
       ""},

      {"heavy_ball",
       "gradient descent with momentum",  //
       "x[k+1] = x[k] + beta*(x[k] - x[k-1]) + T(x[k])",
       {number("beta", 0.5)},
       {},
       "",
       "Polyak 1964; Li et al. 2018",
       ""},

      {"nesterov",
       "momentum, with T at the extrapolated point",
       "y[k]   = x[k] + beta*(x[k] - x[k-1])\n"
       "x[k+1] = y[k] + T(y[k])",
       {number("beta", 0.5)},
       {},
       "",
       "Nesterov, strongly convex case; Li et al. 2018",
       ""},

      {"nesterov_dense",
       "Nesterov's iterates as sums over all earlier modules",
       "x[k+1] = x[k] + sum(j, 0, k, h[k+1,j]*T(x[j]))",
       {learned(sequence("h", "nesterov_dense"))},
       {},
       "",
       "Li et al. 2018 (AGD2); with h fixed the network of apg",
       "apg"},

      {"dense",
       "dense connections as sums, a fresh module for each pair",
       "x[k+1] = x[0] + sum(j, 0, k, a[k+1,j]*T[k,j](x[j]))",
       {learned(number("a", 1.0))},
       {},
       "",
       "DenseNet as sums; Li et al. 2018, there without x[0]",
       ""},

      {"apg",
       "accelerated proximal gradient, the extrapolated point as the state",
       "x[k+1] = (1 + b[k+1])*(x[k] + T(x[k])) - b[k+1]*(x[k-1] + T(x[k-1]))",
       {sequence("b", "fista")},
       {},
       "",
       "Beck, Teboulle 2009, in the form of Wu et al. 2024",
       ""},

      // Choice: delta apart from theta*gamma (then it is nesterov) and from gamma (then it is gradient_descent).
      {"apg2",
       "two coupled sequences, relaxed",
       "y[k]   = (1 - theta)*x[k] + theta*z[k]\n"
       "z[k+1] = z[k] + gamma*T(y[k])\n"
       "x[k+1] = y[k] + delta*T(y[k])",
       {number("theta", 0.5), number("gamma", 1.5), number("delta", 1.0)},
       {},
       "",
       "Auslender, Teboulle 2006; Tseng 2008, method 2; Wu et al. 2024",
       ""},

      {"ladmm",
       "linearised alternating directions with two modules",
       "z[k+1] = (z[k] + T(z[k]) + y[k] - l[k])/2\n"
       "y[k+1] = (y[k] + S(y[k]) + z[k+1] + l[k])/2\n"
       "l[k+1] = l[k] + z[k+1] - y[k+1]",
       {},
       {{"l", 0.0}},
       "",
       "Li et al. 2018; Wu et al. 2024",
       ""},

      {"pgd",
       "proximal gradient descent, the prox as its optimality condition",  //
       "x[k+1] = x[k] + T(x[k]) + S(x[k+1])",                              //
       {},
       {},
       "",
       "Wu et al. 2024",
       ""},

      {"fista",
       "accelerated proximal gradient descent with an implicit prox",
       "y[k]   = x[k] + b[k]*(x[k] - x[k-1])\n"
       "x[k+1] = y[k] + T(y[k]) + S(x[k+1])",
       {sequence("b", "fista")},
       {},
       "",
       "Beck, Teboulle 2009; Wu et al. 2024",
       ""},

      {"admm",
       "alternating directions, both steps as optimality conditions",
       "z[k+1] = y[k] - l[k] + T(z[k+1])\n"
       "y[k+1] = z[k+1] + l[k] + S(y[k+1])\n"
       "l[k+1] = l[k] + z[k+1] - y[k+1]",
       {},
       {{"l", 0.0}},
       "",
       "optimality conditions of ADMM with penalty 1",
       ""},

      {"proximal_point",
       "the implicit Euler step",    //
       "x[k+1] = x[k] + T(x[k+1])",  //
       {},
       {},
       "",
       "Rockafellar 1976",
       ""},

      {"heavy_ball_2018",
       "heavy ball as the ancestor trained it; not preconsistent",
       "x[k+1] = x[k] - x[k-1] + T(x[k])",  //
       {},
       {},
       "",
       "Li et al. 2018 (HB-Net)",
       ""},

      {"momentum",
       "heavy ball with a velocity",
       "v[k+1] = g*v[k] + (1 - g)*T(x[k])\n"
       "x[k+1] = x[k] + v[k+1]",
       {number("g", 0.5)},
       {{"v", 0.0}},
       "",
       "Sander et al. 2021; heavy_ball with beta = g, T scaled by 1-g",
       "heavy_ball"},

      {"runge_kutta4",
       "the classical Runge-Kutta method, one module per step",
       "a[k]   = T(x[k])\n"
       "b[k]   = T(x[k] + a[k]/2)\n"
       "c[k]   = T(x[k] + b[k]/2)\n"
       "d[k]   = T(x[k] + c[k])\n"
       "x[k+1] = x[k] + (a[k] + 2*b[k] + 2*c[k] + d[k])/6",
       {},
       {},
       "",
       "Kutta 1901",
       ""},
  };
}

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
    if (!given.value && given.sequence.empty()) {
      known->value = standard.value;
      known->sequence = standard.sequence;
    }
  }
  return spec;
}

}  // namespace optdnn::algorithms
