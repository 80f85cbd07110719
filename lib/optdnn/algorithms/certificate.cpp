#include "optdnn/algorithms/certificate.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "optdnn/algorithms/given_values.h"
#include "optdnn/algorithms/numbers.h"
#include "optdnn/algorithms/period.h"
#include "optdnn/algorithms/response.h"
#include "optdnn/algorithms/root_condition.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;

namespace {

constexpr int kSmallestHorizon = 64, kLargestHorizon = 512;  // the work grows with its square
constexpr double kBounded = 1.1;                             // from 2K to 4K
// Bounds, as shares of the largest family's mean effect:
constexpr double kStepSettled = 0.01;  // the change between two extrapolations of a mean
constexpr double kEven = 0.05;         // the unevenness,
constexpr double kNearlyEven = 0.2;    // or this, where with twice the steps
constexpr double kVanishing = 0.75;    // no more than this share of it is left
constexpr double kNoStep = 1e-9;

// A fourth of the steps that are looked at.
int horizon(int depth) { return std::clamp(depth, kSmallestHorizon, kLargestHorizon); }

bool is_driven(const std::optional<EffectiveStep>& steps) {
  return steps &&
         std::any_of(steps->begin(), steps->end(), [](const auto& step) { return std::abs(step.second) > kNoStep; });
}

std::string sequences_in_use(const Rule& rule) {
  std::vector<std::string> texts;
  for (const Coefficient& c : rule.coefficients()) {
    if (!c.value) texts.push_back(concat("'", c.name, "' = ", given_text(c)));
  }
  return base::join(texts, ", ");
}

void explain_unread(const Rule& rule, Certificate& certificate) {
  const std::string& output = rule.output_name();
  certificate.reason = concat("not read: the output '", output, "' does not follow the point that the modules see");
  certificate.fix = concat("another output, or modules that see this one as it is: T(", output, "[k])");
}

constexpr std::array kShownDepths = {10, 20, 40, 80};

std::map<int, double> shown_constants(const Response& response) {
  std::map<int, double> constants;
  for (const int K : kShownDepths) constants[K] = response.stability[K];
  return constants;
}

// A tableau that is the same at every step, or whose numbers repeat.
void judge_period(const Rule& rule, const Period& period, const LeafValues& values, Certificate& certificate) {
  const bool constant = period.begin == 0 && period.length == 1;
  if (!constant) {
    certificate.judged_by = JudgedBy{period.begin, period.length, true};
    certificate.stability_constant = shown_constants(measure_response(rule, kShownDepths.back(), values));
  }
  const RootCondition roots = judge_roots(period.step, period.start, period.outputs.row(0).transpose());
  const bool reads = (period.outputs * roots.q - Eigen::VectorXd::Ones(period.length)).cwiseAbs().maxCoeff() < kExact;
  certificate.eigenvalues = roots.eigenvalues;
  certificate.spectral_radius = std::pow(roots.spectral_radius, 1.0 / period.length);
  certificate.preconsistent = roots.preconsistent;
  certificate.zero_stable = roots.zero_stable;
  certificate.started_and_read = roots.preconsistent && reads && roots.started;
  if (roots.steps.size() == static_cast<Eigen::Index>(period.families.size()) && !period.families.empty()) {
    EffectiveStep steps;
    for (const std::string& family : rule.families()) steps[family] = 0.0;
    for (size_t i = 0; i < period.families.size(); ++i)
      steps[rule.families()[period.families[i]]] += roots.steps(static_cast<Eigen::Index>(i)) / period.length;
    for (auto& [family, step] : steps) {
      if (std::abs(step) <= kNoStep) step = 0.0;
    }
    certificate.effective_step = steps;
  }

  const bool semisimple = roots.spectral_radius <= 1.0 + kOnCircle && roots.defective_multiplicity == 0;
  if (constant && semisimple && roots.multiplicity_of_one > 1 && roots.starts_at_one)
    certificate.coupled = coupled_flow(rule, certificate.numeric, period.start, period.outputs.row(0).transpose());

  if (period.families.empty()) {
    certificate.reason = "no module reaches the output";
    certificate.fix = "a weight other than 0 in front of a module";
  } else if (!roots.preconsistent) {
    certificate.reason = concat("not preconsistent: ",
                                roots.multiplicity_of_one > 0
                                    ? "no q has A q = q and C q = 1, so the modules do not all see the point itself"
                                    : "1 is no eigenvalue of A, so a point at rest does not stay");
    certificate.fix = "in every line the weights of the points sum to 1";
  } else if (!roots.zero_stable && roots.spectral_radius > 1.0 + kOnCircle) {
    certificate.reason = concat("not zero-stable: the spectral radius of A is ", short_number(roots.spectral_radius),
                                period.length > 1 ? concat(" over ", period.length, " steps") : "",
                                ", so differences grow exponentially with the depth");
    certificate.fix = "smaller weights on the earlier states";
  } else if (!roots.zero_stable && roots.defective_multiplicity > 0) {
    certificate.reason =
        concat("not zero-stable: a root of multiplicity ", roots.defective_multiplicity,
               roots.multiplicity_of_one > 1 ? " at 1" : " on the unit circle", ", so differences grow with the depth");
    certificate.fix = "smaller weights on the earlier states, as a momentum below 1";
  } else if (!roots.zero_stable) {
    certificate.reason = concat("not zero-stable: the root 1 has multiplicity ", roots.multiplicity_of_one,
                                ", so the states do not settle on one point");
    certificate.fix = certificate.coupled ? ""
                                          : "couple the states outside of the modules, or start one of them at 0 as a "
                                            "difference";
  } else if (!reads) {
    explain_unread(rule, certificate);
  } else if (!roots.started) {
    certificate.reason = "not started: what sets the start apart from the point does not decay";
    certificate.fix = "points start at 1, differences and multipliers at 0: start: {...}";
  }
}

// "like K", "like K^2": from the last doubling.
std::string growth(double at_half, double at_full) {
  const double power = std::log2(at_full / at_half);
  if (!std::isfinite(at_full) || power > 8.0) return "faster than any power of K";
  const double whole = std::round(power);
  const double shown = std::abs(power - whole) < 0.15 && whole >= 1.0 ? whole : std::round(10.0 * power) / 10.0;
  return shown == 1.0 ? "like K" : concat("like K^", short_number(shown));
}

// Whether early and late calls count alike, or more and more so.
bool is_even(const std::array<MeanEffect, 3>& effects, double largest) {
  const double at_K = effects[0].unevenness, at_2K = effects[1].unevenness, at_4K = effects[2].unevenness;
  const bool vanishing = at_2K <= kVanishing * at_K && at_4K <= kVanishing * at_2K && at_4K <= kNearlyEven * largest;
  return vanishing || at_4K <= std::max(kNoStep, kEven * largest);
}

void judge_varying(const Rule& rule, int depth, const LeafValues& values, Certificate& certificate) {
  const int K = horizon(depth);
  certificate.judged_by = JudgedBy{0, 4 * K, false};
  const Response response = measure_response(rule, 4 * K, values);
  certificate.preconsistent = response.preconsistent;
  certificate.started_and_read = response.preconsistent && response.reads && response.started;
  certificate.stability_constant = shown_constants(response);
  const double half = response.stability[2 * K], full = response.stability[4 * K];
  certificate.zero_stable = std::isfinite(full) && full <= kBounded * half;

  // The mean differs from its limit by about a constant over K, which the extrapolation removes.
  const auto& [at_K, at_2K, at_4K] = response.effects;
  EffectiveStep steps;
  double largest = 0.0, change = 0.0;
  for (size_t f = 0; f < rule.families().size(); ++f) {
    const double before = 2.0 * at_2K.mean[f] - at_K.mean[f], limit = 2.0 * at_4K.mean[f] - at_2K.mean[f];
    largest = std::max(largest, std::abs(limit));
    change = std::max(change, std::abs(limit - before));
    steps[rule.families()[f]] = std::abs(limit) < kNoStep ? 0.0 : limit;
  }
  const bool even = is_even(response.effects, largest);
  const bool settled = certificate.preconsistent && certificate.zero_stable && even &&
                       change <= std::max(kNoStep, kStepSettled * largest);
  if (settled) certificate.effective_step = steps;

  if (!response.preconsistent) {
    certificate.reason = "not preconsistent: no q has A_k q = q and C_k q = 1 at every step k";
    certificate.fix = "in every line the weights of the points sum to 1";
  } else if (!certificate.zero_stable) {
    certificate.reason = concat("not zero-stable: the stability constant grows ", growth(half, full),
                                ", although it is finite at every depth");
    const std::string used = sequences_in_use(rule);
    certificate.fix =
        concat("a constant or a learnable bounded coefficient", used.empty() ? "" : " in place of ", used);
  } else if (!response.reads) {
    explain_unread(rule, certificate);
  } else if (!response.started) {
    certificate.reason = "not started: what sets the start apart from the point does not decay";
    certificate.fix = "points start at 1, differences and multipliers at 0: start: {...}";
  } else if (!even) {
    certificate.reason = concat("not shown: in ", 4 * K, " steps early and late modules do not count alike");
    certificate.fix = "weights of T(x[j]) that settle on one number";
  } else if (!settled) {
    certificate.reason = concat("not shown: in ", 4 * K, " steps the mean effect of the modules does not settle");
    certificate.fix = "coefficients that settle as k grows";
  }
}

std::string flow_text(const EffectiveStep& steps) {
  std::vector<double> sizes;
  std::vector<std::string> calls;
  for (const auto& [family, step] : steps) {
    sizes.push_back(step);
    calls.push_back(family + "(x)");
  }
  return combination_text(sizes, calls);
}

}  // namespace

Certificate certify(const Rule& rule, int depth, int step, const LeafValues& given) {
  if (depth < 1 || step < 0)
    throw base::ConfigError("a certificate needs a depth of at least 1 and a step of at least 0");
  const LeafValues values = given ? given : [&](const Leaf& leaf) { return rule.initial_value(leaf); };
  Certificate certificate;
  certificate.step = step;
  certificate.tableau = rule.step(step);
  certificate.numeric = evaluate(certificate.tableau, values);
  certificate.start = evaluate(rule.start(), rule.step(0).A.columns, values);
  certificate.output = evaluate(rule.output(step), certificate.tableau.A.columns, values);
  certificate.is_explicit = rule.is_explicit();
  std::set<Leaf> leaves;
  collect_leaves(certificate.tableau, leaves);
  std::vector<std::string> names;
  for (const Coefficient& c : rule.coefficients()) names.push_back(c.name);
  for (const Leaf& leaf : leaves) certificate.coefficients[Scalar::leaf(leaf).text(names)] = values(leaf);
  if (!rule.is_explicit()) {
    const double gain = cycle_gain(certificate.numeric.D);
    if (gain > 0.0) certificate.lipschitz_bound = 1.0 / gain;
  }

  try {
    if (const auto period = find_period(rule, 4 * horizon(depth), values)) {
      judge_period(rule, *period, values, certificate);
    } else {
      judge_varying(rule, depth, values, certificate);
    }
  } catch (const base::ConfigError& error) {
    for (int k = 0; k < depth; ++k) evaluate(rule.step(k), values);  // within its depth that is an error
    certificate.reason = concat("not judged: beyond depth ", depth, " the rule ends: ", error.what());
    certificate.fix = "coefficients that are defined at every k";
  }
  if (certificate.reason.empty() && !is_driven(certificate.effective_step)) {
    certificate.reason = "not driven: no module moves the state in the mean";
    certificate.fix = "module weights that do not cancel";
  }
  certificate.convergent = certificate.reason.empty();
  if (certificate.convergent) {
    certificate.reason = concat("K steps with modules scaled by 1/K converge to the flow of x' = ",
                                flow_text(*certificate.effective_step));
    if (certificate.judged_by && !certificate.judged_by->repeats)
      certificate.reason += concat(", as far as ", certificate.judged_by->steps, " steps show");
  }
  return certificate;
}

}  // namespace optdnn::algorithms
