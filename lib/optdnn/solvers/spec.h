// What the YAML key `solver` holds: how the unknowns u = F(u) of an implicit step are found, and how a gradient passes
// through them.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "optdnn/config/fields.h"

namespace optdnn::solvers {

// --- the gradient; J is the derivative of F at the solution, g what arrives from above ---

struct ExactGradient {
  static constexpr std::string_view kName = "exact";
  static constexpr std::string_view kHelp = "implicit differentiation: v = J^T v + g by the same solver";
  std::optional<int64_t> steps;
  std::optional<double> tolerance;
  template <class Fields>
  void fields(Fields& f) {
    f("steps", steps, config::between(1, 10000),
      "most steps of the backward solve; default: those of the forward solve");
    f("tolerance", tolerance, config::at_least(0),
      "relative residual of the backward solve; default: that of the forward solve");
  }
};

struct PhantomGradient {
  static constexpr std::string_view kName = "phantom";
  static constexpr std::string_view kHelp = "through a few damped steps taken at the solution (Geng et al. 2021)";
  int64_t steps = 5;
  double damping = 0.5;
  template <class Fields>
  void fields(Fields& f) {
    f("steps", steps, config::between(1, 1000), "steps the gradient passes");
    f("damping", damping, config::at_least(0) & config::less_than(1),
      "share of the iterate that stays in each of them");
  }
};

struct JacobianFreeGradient {
  static constexpr std::string_view kName = "jacobian_free";
  static constexpr std::string_view kHelp = "through one step at the solution, as if J were zero (Fung et al. 2022)";
  template <class Fields>
  void fields(Fields&) {}
};

struct UnrolledGradient {
  static constexpr std::string_view kName = "unrolled";
  static constexpr std::string_view kHelp = "through every step of the solver; the memory grows with them";
  template <class Fields>
  void fields(Fields&) {}
};

using GradientSpec = std::variant<ExactGradient, PhantomGradient, JacobianFreeGradient, UnrolledGradient>;

// --- the solver ---

struct SolverFields {
  int64_t steps = 30;
  double tolerance = 1e-3;
  int64_t check_every = 1;
  bool warm_start = true;
  GradientSpec gradient;
  double jacobian_penalty = 0.0;
  template <class Fields>
  void fields(Fields& f) {
    f("steps", steps, config::between(1, 10000), "most evaluations of the modules in one solve");
    f("tolerance", tolerance, config::at_least(0),
      "|F(u) - u| / |F(u)| at which a sample stops; 0: all steps are always taken");
    f("check_every", check_every, config::between(1, 10000), "steps from one look at the residuals to the next");
    f("warm_start", warm_start, "begin at the solution of the step before, not at zero");
    f("gradient", gradient, "how gradients pass through the solution");
    f("jacobian_penalty", jacobian_penalty, config::at_least(0),
      "times the mean square of the entries of v^T J, v normal, is added to the training loss (Bai et al. 2021)");
  }
};

struct PicardSpec : SolverFields {
  static constexpr std::string_view kName = "picard";
  static constexpr std::string_view kHelp = "u <- F(u), damped";
  double damping = 0.0;
  template <class Fields>
  void fields(Fields& f) {
    SolverFields::fields(f);
    f("damping", damping, config::at_least(0) & config::less_than(1), "share of the iterate that stays");
  }
};

struct AndersonSpec : SolverFields {
  static constexpr std::string_view kName = "anderson";
  static constexpr std::string_view kHelp = "the combination of the latest F(u) with the smallest residual";
  int64_t memory = 5;
  double damping = 0.0;
  double ridge = 1e-6;
  template <class Fields>
  void fields(Fields& f) {
    SolverFields::fields(f);
    f("memory", memory, config::between(1, 50), "evaluations that are combined");
    f("damping", damping, config::at_least(0) & config::less_than(1), "share of the combined iterates that stays");
    f("ridge", ridge, config::above(0), "added to the diagonal of the scaled Gram matrix of the residuals");
  }
};

struct BroydenSpec : SolverFields {
  static constexpr std::string_view kName = "broyden";
  static constexpr std::string_view kHelp = "Newton's method with an inverse derivative of low rank";
  int64_t memory = 10;
  template <class Fields>
  void fields(Fields& f) {
    SolverFields::fields(f);
    f("memory", memory, config::between(1, 100), "largest rank; beyond it the estimate begins anew");
  }
};

using SolverSpec = std::variant<PicardSpec, AndersonSpec, BroydenSpec>;

inline const SolverFields& common(const SolverSpec& spec) {
  return std::visit([](const auto& chosen) -> const SolverFields& { return chosen; }, spec);
}
inline SolverFields& common(SolverSpec& spec) {
  return std::visit([](auto& chosen) -> SolverFields& { return chosen; }, spec);
}

}  // namespace optdnn::solvers
