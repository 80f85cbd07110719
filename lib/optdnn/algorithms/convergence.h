// The paper's theorem, measured: K steps of a rule whose modules are fixed vector fields, each scaled by 1/K, beside
// the exact flow at time 1 of
//
//   s' = sum_f h_f f(s),    h_f: the effective step of family f
//
// or, for a rule of a coupled flow, of that flow. A rule that is convergent or coupled has to converge at 1/K or
// better, any other must not: else the certificate is wrong.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "optdnn/algorithms/certificate.h"
#include "optdnn/algorithms/vector_fields.h"

namespace optdnn::algorithms {

using FamilyFields = std::function<Point(int family, const Point& point)>;

// The output after `depth` steps from `start`. Implicit steps are solved by fixed-point iteration to machine precision.
// Returns a point that is not finite where the run overflows or the iteration finds no fixed point.
Point run_rule(const Rule& rule, int depth, const Point& start, const FamilyFields& modules, const LeafValues& values);

// One point per column: what a coupled flow moves together.
using PointColumns = Eigen::Matrix2Xd;

// The flow of s' = field(s) at `time`, by the classical Runge-Kutta method in steps too small to matter (below 1e-12
// for the vector fields here).
PointColumns flow(const std::function<PointColumns(const PointColumns&)>& field, const PointColumns& start,
                  double time);

struct Convergence {
  Certificate certificate;
  // By family: the certificate's; where it has none, what constant modules move the deepest run by, if that settles.
  // None for a coupled flow, where how far a module moves the output depends on the others.
  std::optional<EffectiveStep> effective_step;
  std::map<int, double> errors;  // by depth: the distance from the flow; without an effective step, of step 1
  // p of error ~ K^-p, fitted over the deeper half; none where an error is not finite or all are rounding.
  std::optional<double> order;
  bool promised = false;   // by the certificate: convergent or coupled
  bool converges = false;  // to a flow that moves, at order kFirstOrder or better
};

inline constexpr double kFirstOrder = 0.9;  // 1, less what a fit at finite depth may miss it by

// `fields` has one entry per family. Requires at least two depths, ascending, the first >= 1. Learnable coefficients
// have the values they start from. Errors: ConfigError if an effective step is too large for the reference, or no field
// moves the start.
Convergence measure_convergence(const Rule& rule, const std::vector<VectorField>& fields, const Point& start,
                                const std::vector<int>& depths);

}  // namespace optdnn::algorithms
