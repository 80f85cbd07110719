// What a training measures of its runs on the way: the validation set, which decides the best weights, and the test
// set. The moving average stands in the weights' place meanwhile, where there is one.
#pragma once

#include "optdnn/training/divergence.h"
#include "optdnn/training/ema.h"
#include "optdnn/training/evaluate.h"
#include "optdnn/training/run_files.h"

namespace optdnn::training {

// What evaluations work with; the trainer's.
struct EvaluationParts {
  std::optional<Ema>& ema;
  DivergenceGuard& guard;
  const RunFiles& files;
  Recorded& recorded;
  std::vector<TrainResult>& results;
};

class Evaluations {
 public:
  Evaluations(TrainJob& job, EvaluationParts parts);

  // After this many iterations; into the results. A run whose loss is not finite has diverged.
  void run(int64_t iteration);
  void add_to(int64_t run, metrics::Record& record) const;

  // The moving average takes the weights' place, or gives it back; with evaluate.weights: raw it stays apart.
  void swap_average();

 private:
  EvaluateJob evaluation_on(const data::Loader& loader, Recorded::Role role);
  void compare_with_best(int64_t run, int64_t iteration, const Evaluation& valid);
  // Each run that has not diverged, with its evaluation; one that is not finite diverges here.
  template <class Take>
  void evaluate(Evaluator& evaluator, int64_t iteration, const char* loss, Take take);

  TrainJob& job_;
  EvaluationParts parts_;
  const Loss loss_;
  std::optional<Evaluator> valid_, test_;
};

}  // namespace optdnn::training
