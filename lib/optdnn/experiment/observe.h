// What a run records about its rule after every evaluation: the learnable coefficients, and the certificate at their
// current values. `training` knows no algorithm; this is how it comes to write these numbers.
#pragma once

#include <functional>

#include "optdnn/algorithms/certificate.h"
#include "optdnn/data/loader.h"
#include "optdnn/metrics/record.h"
#include "optdnn/models/network.h"
#include "optdnn/training/train_spec.h"

namespace optdnn::experiment {

// The certificate of every stage at the network's current coefficients; of several runs at once, at those of `run`.
// What has been learned holds its last value beyond the depth; before, a sequence goes on as it is written.
std::vector<algorithms::Certificate> certify_stages(const algorithms::Rule& rule, const models::OptNetImpl& net,
                                                    int64_t run = 0);

// The learned coefficients as they are used, within their ranges, as JSON by stage, name and indices:
// {"0": {"gamma": {"0": 1.5, "1": 1.62}}}. Empty if there are none.
std::string coefficients_json(const algorithms::Rule& rule, const models::OptNetImpl& net, int64_t run = 0);

// Adds coefficient/<stage>/<name>/<k>, certificate/convergent, certificate/spectral_radius and
// certificate/stability_constant (of the stage that is worst). A rule without learnable coefficients is judged once.
std::function<void(int64_t epoch, metrics::Record&)> observe_rule(algorithms::Rule rule,
                                                                  std::shared_ptr<models::OptNetImpl> net,
                                                                  int64_t run = 0);

// Of one run. `counted` and `recount` are those of training::RunJob.
struct SolverObserver {
  std::function<void(int64_t epoch, metrics::Record&)> observe;
  std::function<torch::Tensor()> counted;
  std::function<void(const torch::Tensor&)> recount;
};

// One per run. Each adds what the run's solves since the last record took, solver/steps, solver/residual,
// solver/failed (backward solves too), solver/residual_after/<evaluations>; and, at the first samples of `test`, the
// largest solver/spectral_radius and solver/cosine/<gradient>, of a cheaper gradient with the exact one. None for a
// network without a fixed point. Every process of a world observes, at the same samples. Requires: the data set
// outlives the observers.
std::vector<SolverObserver> observe_solver(models::Network network, const data::Loader& test,
                                           const training::TrainSpec& train, const torch::Device& device,
                                           int64_t runs = 1);

}  // namespace optdnn::experiment
