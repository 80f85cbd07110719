// A rule as the first argument, its tableau and certificate out: the library without LibTorch.
//   ./certify 'x[k+1] = x[k] + T(x[k])'
#include "optdnn/algorithms/certificate.h"

#include <iostream>

using namespace optdnn;

int main(int argc, char** argv) {
  algorithms::RuleSpec spec;
  spec.name = "rule";
  spec.equations = argc > 1 ? argv[1] : "x[k+1] = x[k] + beta*(x[k] - x[k-1]) + T(x[k])";
  if (argc < 2) spec.coefficients = {{.name = "beta", .value = 0.5}};

  base::Diagnostics diagnostics;
  const auto rule = algorithms::make_rule(spec, diagnostics);
  if (!rule) {
    std::cerr << diagnostics.render();
    return 2;
  }
  const algorithms::Certificate certificate = algorithms::certify(*rule, 20);
  std::cout << algorithms::certificate_text(*rule, certificate);
  return certificate.convergent ? 0 : 5;
}
