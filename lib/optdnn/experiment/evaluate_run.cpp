// evaluate_run of opened_run.h: the weights of a run's folder on a split of its data set.
#include <cmath>

#include "optdnn/base/errors.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/opened_run.h"
#include "optdnn/experiment/pictures.h"
#include "optdnn/experiment/summary.h"
#include "optdnn/experiment/weights.h"
#include "optdnn/training/evaluate.h"

namespace optdnn::experiment {

namespace {

void renew_pictures(const OpenedRun& run) try {
  write_pictures(run.spec, run.spec.seeds.front(), *run.dataset, {run.folder});
} catch (const base::EnvironmentError& error) {  // a run that may only be read
  base::log_warning(base::concat("its pictures are left as they are: ", error.what()));
}

}  // namespace

nlohmann::ordered_json evaluate_run(OpenedRun& run, const RunOptions& options, const std::string& split,
                                    const std::filesystem::path& sample) {
  const data::Split part = split_of(split);
  const ExperimentSpec& spec = run.spec;
  const Loaders loaders =
      make_loaders(*run.dataset, spec, {spec.seeds.front()}, options.loader_threads_of(*run.dataset));
  const data::Loader& loader = loaders.of(part);
  const auto loss = training::make_loss(training::plain_loss(spec.loss.value_or(training::default_loss(run.shape))));
  training::EvaluateJob job{run.network.module, loader, loss, spec.train.precision, run.device, spec.evaluate};
  job.around_forward = around_forward(run.network, spec.train);
  const auto evaluation = training::evaluate(job).front();
  if (!std::isfinite(evaluation.loss)) {
    throw base::DivergedError(base::concat("the loss of ", run.weights, " of ", run.folder.string(),
                                           " is not finite on the split '", split, "'"));
  }
  if (run.weights == "last.safetensors" && part == data::Split::test) renew_pictures(run);
  if (!sample.empty()) write_sample(run.network, loader, spec.train, run.device, sample);
  nlohmann::ordered_json result = {
      {"run", run.folder.string()}, {"weights", run.weights}, {"samples", evaluation.samples}};
  result.update(json_of(evaluation, split));
  return result;
}

}  // namespace optdnn::experiment
