// Do the networks of this rule approach the flow of an ODE as they get deeper? A rule is convergent when it is
//   preconsistent       some q has A q = q and C q = 1
//   zero-stable         powers of A stay bounded, the eigenvalue 1 is simple
//   driven              with w A = w, w q = 1, the effective step h_f = w B 1_f of some family f is not 0
//   started and read    c q = 1, and start - q decays
// Rules whose numbers repeat are judged by a period of them (period.h). Those whose tableau varies or grows are judged
// by the stability constant, the largest entry in absolute value of [C_k; c] A_{k-1} ... A_{j+1} B_j over j < k <= K,
// which has to stay bounded in K, and by what the calls do to the output (response.h): their mean effect has to settle,
// and early and late ones to count alike.
//
// A rule whose root 1 is semisimple but not simple is not convergent; it may be coupled (coupled_flow.h). Whether a
// network is a universal approximator depends on its modules and ends too: experiment/universal.h.
//
// Paper: the condition (a convergent linear multistep method). Choice: its form for varying and growing tableaux, which
// looks at four times the depth, at 256 to 2048 steps, and is no proof.
#pragma once

#include <complex>
#include <nlohmann/json_fwd.hpp>

#include "optdnn/algorithms/coupled_flow.h"

namespace optdnn::algorithms {

using EffectiveStep = std::map<std::string, double>;  // by family

// The steps whose numbers decide, of a rule that is not the same at every step: those of a period (period.h), or all
// that were looked at.
struct JudgedBy {
  int from = 0, steps = 1;
  bool repeats = false;
};

struct Certificate {
  int step = 0;  // of the tableau below
  Tableau tableau;
  NumericTableau numeric;
  Eigen::VectorXd start, output;               // over the states before step 0; over those before `step`
  std::map<std::string, double> coefficients;  // learnable ones used at this step: "gamma[0]" -> 1.5
  bool is_explicit = true;

  std::optional<JudgedBy> judged_by;                             // nothing: the tableau is the same at every step
  std::optional<std::vector<std::complex<double>>> eigenvalues;  // of a period's steps together
  std::optional<double> spectral_radius;                         // of a period the geometric mean
  bool preconsistent = false;
  bool zero_stable = false;
  std::optional<EffectiveStep> effective_step;
  bool started_and_read = false;
  std::optional<std::map<int, double>> stability_constant;  // by K, unless the tableau is the same at every step
  std::optional<double> lipschitz_bound;                    // implicit rules: below this the solve is a contraction

  bool convergent = false;
  std::optional<CoupledFlow> coupled;  // only of a rule that is not convergent
  std::string reason;
  std::string fix;  // empty if convergent, or if none is known
};

// Learnable coefficients are judged at `values` (by default at their start). Requires depth >= 1, step >= 0.
Certificate certify(const Rule& rule, int depth, int step = 0, const LeafValues& values = {});

// What `optdnn certify` prints: equations, tableau, verdict with its reason, and a fix where there is one.
std::string certificate_text(const Rule& rule, const Certificate& certificate);
// What a config decides, as universal, is null.
nlohmann::json certificate_json(const Rule& rule, const Certificate& certificate);

// "yes   detail" behind a name, as a line of certificate_text.
enum class Verdict { yes, no, open };
std::string verdict_line(std::string_view name, Verdict verdict, const std::string& detail = "");

// The equations as an aligned environment.
std::string latex(const Rule& rule);

}  // namespace optdnn::algorithms
