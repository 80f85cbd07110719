#include "optdnn/experiment/job.h"

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/modules/narrow_weights.h"
#include "optdnn/solvers/fixed_point.h"
#include "optdnn/training/precision.h"

namespace optdnn::experiment {

training::AroundForward around_forward(const models::Network& network, const training::TrainSpec& spec) {
  const auto type = training::product_type(spec.precision);
  if (!type) return {};
  const bool padded = network.opt_net && network.opt_net->takes_padding() && spec.channels_last;
  return [weights = modules::NarrowWeights(*network.module.ptr(), *type, padded)](
             const torch::Device& device, const training::ForwardPass& forward) {
    return weights.fits(device) ? weights.during(forward) : forward();
  };
}

training::TrainJob make_job(const ExperimentSpec& spec, const data::DataShape& shape, const models::Network& network,
                            const Loaders& loaders) {
  training::TrainJob job;
  job.network = network.module;
  job.train_loader = &loaders.train;
  if (loaders.valid) job.valid_loader = &*loaders.valid;
  job.test_loader = &loaders.test;
  job.optimizer = spec.optimizer;
  job.schedule = spec.schedule;
  job.loss = spec.loss.value_or(training::default_loss(shape));
  training::check_loss(job.loss, shape);
  job.train = spec.train;
  job.evaluate = spec.evaluate;
  job.around_forward = around_forward(network, spec.train);
  const auto points = solvers::fixed_points(*network.module.ptr());
  std::vector<std::string> reasons;
  if (std::any_of(points.begin(), points.end(), [](const auto& point) { return point->looks(); }))
    reasons.emplace_back("a solve waits for its residuals, unless its tolerance is 0");
  if (spec.train.recompute) reasons.emplace_back("train.recompute reads the random generator");
  job.why_eager = base::join(reasons, "; ");
  if (!points.empty()) job.penalty = [points] { return solvers::take_penalties(points); };
  return job;
}

std::optional<std::string> warmup_warning(const ExperimentSpec& spec, const training::Length& length) {
  const int64_t warmup = training::warmup_iterations(spec.schedule, length);
  if (warmup < length.iterations || warmup == 0) return std::nullopt;
  return base::concat("the warm-up of ", warmup, " iterations is ",
                      warmup > length.iterations ? "longer than" : "as long as", " the training (", length.iterations,
                      "): the learning rate never comes down, if it is reached at all");
}

}  // namespace optdnn::experiment
