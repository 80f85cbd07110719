#include "optdnn/training/evaluations.h"

#include <cmath>

namespace optdnn::training {

Evaluations::Evaluations(TrainJob& job, EvaluationParts parts)
    : job_(job), parts_(parts), loss_(make_loss(plain_loss(job.loss))) {
  if (job.valid_loader) valid_.emplace(evaluation_on(*job.valid_loader, Recorded::Role::validation));
  if (job.test_loader) test_.emplace(evaluation_on(*job.test_loader, Recorded::Role::test));
}

EvaluateJob Evaluations::evaluation_on(const data::Loader& loader, Recorded::Role role) {
  return {job_.network, loader,           loss_, job_.train.precision, job_.device, job_.evaluate,
          *job_.world,  &parts_.recorded, role,  job_.around_forward};
}

template <class Take>
void Evaluations::evaluate(Evaluator& evaluator, int64_t iteration, const char* loss, Take take) {
  const std::vector<Evaluation> evaluations = evaluator.run();
  for (int64_t run = 0; run < std::ssize(evaluations); ++run) {
    if (parts_.guard.error(run)) continue;
    if (std::isfinite(evaluations[run].loss)) {
      take(run, evaluations[run]);
    } else {
      parts_.guard.give_up(run, loss, iteration);
    }
  }
}

void Evaluations::run(int64_t iteration) {
  if (parts_.ema && test_ && job_.evaluate.weights == EvaluatedWeights::both) {
    const std::vector<Evaluation> raw = test_->run();
    for (size_t run = 0; run < raw.size(); ++run) {
      if (!parts_.guard.error(static_cast<int64_t>(run))) parts_.results[run].last_raw = raw[run];
    }
  }
  swap_average();
  if (valid_) {
    evaluate(*valid_, iteration, "validation loss",
             [&](int64_t run, const Evaluation& valid) { compare_with_best(run, iteration, valid); });
  }
  if (test_) {
    evaluate(*test_, iteration, "test loss",
             [&](int64_t run, const Evaluation& test) { parts_.results[run].last = test; });
  }
  swap_average();
}

void Evaluations::compare_with_best(int64_t run, int64_t iteration, const Evaluation& valid) {
  TrainResult& result = parts_.results[run];
  result.valid = valid;
  const double headline = valid.headline();
  if (iteration == result.resumed_at || std::isnan(headline) || headline >= result.best) return;
  result.best = headline;
  result.best_iteration = iteration;
  if (job_.train.keep_best && parts_.files.keeps(run)) parts_.files.write_weights(run, "best.safetensors", iteration);
}

void Evaluations::add_to(int64_t run, metrics::Record& record) const {
  const TrainResult& result = parts_.results[run];
  if (result.valid) result.valid->add_to(record, "valid");
  if (test_) result.last.add_to(record, "test");
  if (result.last_raw) result.last_raw->add_to(record, "test_raw");
}

void Evaluations::swap_average() {
  if (parts_.ema && job_.evaluate.weights != EvaluatedWeights::raw) parts_.ema->swap();
}

}  // namespace optdnn::training
