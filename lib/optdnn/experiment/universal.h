// Does the theorem say that the networks a config makes of its rule are universal approximators of bounded width? In
// L^p on compact sets, 1 <= p < infinity, at some depth. It wants
//
//   a convergent rule, in one stage
//   a T that is a vector module with a two-layer core W2 s(W1 .), with fresh weights at every step
//   a width of at least max(2, inputs) with an injective stem, and of at least the outputs with a head onto them
//   no norm that couples the samples of a batch
//
// Paper: the claim. Choice: its reading as L^p, from the theorem's summary and Li, Lin, Shen 2022.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "optdnn/algorithms/certificate.h"
#include "optdnn/experiment/spec.h"

namespace optdnn::experiment {

struct Universal {
  struct Part {
    std::string name;
    bool met = false;
    std::string otherwise;  // what is said where it is not met
    std::string detail;
  };
  // False: not shown by this theorem. Nothing: the paper claims it, and it is not checked here.
  std::optional<bool> verdict;
  std::string reason;
  std::vector<Part> parts;
};

// `stages`: the certificate of each stage. Requires a spec with an algorithm, whose parts fit together.
Universal judge_universal(const ExperimentSpec& spec, const std::vector<algorithms::Certificate>& stages);

// A line per part, and the verdict with its reason.
std::string universal_text(const Universal& universal);

// Fills universal, universal_reason, universal_wants and modules_two_layer of a certificate's JSON.
void add_universal(const Universal& universal, nlohmann::json& certificate);

}  // namespace optdnn::experiment
