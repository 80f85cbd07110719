// Fuzzes the rule language: the bytes are the equations, beside a fixed set of declared coefficients (those that are
// not named are left out, since an unused one is an error). What reads as a rule is unrolled and certified.
#include <cstdint>
#include <string>

#include "optdnn/algorithms/certificate.h"
#include "optdnn/base/errors.h"

using namespace optdnn;
using namespace optdnn::algorithms;

namespace {

Coefficient declare(const char* name, std::optional<double> value, const char* sequence, Learn learn) {
  Coefficient coefficient;
  coefficient.name = name;
  coefficient.value = value;
  coefficient.sequence = sequence;
  coefficient.learn = learn;
  return coefficient;
}

RuleSpec spec_for(const std::string& equations) {
  RuleSpec spec;
  spec.name = "fuzz";
  spec.equations = equations;
  spec.start = {};
  for (const Coefficient& c : {declare("a", 0.5, "", Learn::no), declare("b", {}, "fista", Learn::no),
                               declare("h", {}, "nesterov_dense", Learn::per_step),
                               declare("g", 0.25, "", Learn::shared), declare("q", 1.5, "", Learn::per_step)}) {
    if (equations.find(c.name) != std::string::npos) spec.coefficients.push_back(c);
  }
  if (equations.find("l[") != std::string::npos) spec.start["l"] = 0.0;
  return spec;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string equations(reinterpret_cast<const char*>(data), size);
  base::Diagnostics diagnostics;
  const auto rule = make_rule(spec_for(equations), diagnostics);
  diagnostics.render();
  if (!rule) return 0;
  try {
    for (int k = 0; k < 4; ++k) rule->step(k);
    rule->output(4);
    latex(*rule);
    // Growing rules take a while to certify; the tableaux above are what differs.
    if (rule->is_constant()) certificate_text(*rule, certify(*rule, 2));
  } catch (const base::ConfigError&) {
  }
  return 0;
}
