// What tests of a fast path against its slow twin share.
#pragma once

#include <torch/torch.h>

#include "models/rules.h"

namespace optdnn::tests {

// Of the catalogue, with their coefficients and with learned ones.
inline std::vector<algorithms::Rule> explicit_rules() {
  std::vector<algorithms::Rule> rules;
  for (const auto& entry : algorithms::catalogue()) {
    const algorithms::Rule rule = catalogue_rule(entry.name);
    if (!rule.is_explicit()) continue;
    rules.push_back(rule);
    std::vector<algorithms::Coefficient> learned = rule.coefficients();
    for (auto& coefficient : learned) {
      coefficient.range.reset();
      coefficient.learn = algorithms::Learn::per_step;
    }
    if (!learned.empty()) rules.push_back(catalogue_rule(entry.name, learned));
  }
  return rules;
}

// Largest difference relative to the largest entry.
inline double difference(const torch::Tensor& fast, const torch::Tensor& slow) {
  REQUIRE(fast.sizes() == slow.sizes());
  return (fast - slow).abs().max().item<double>() / (1e-30 + slow.abs().max().item<double>());
}

}  // namespace optdnn::tests
