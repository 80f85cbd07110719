#include "optdnn/training/evaluate.h"

namespace optdnn::training {

namespace {

class EvaluationMode {
 public:
  explicit EvaluationMode(torch::nn::Module& module) : module_(module), was_training_(module.is_training()) {
    module.eval();
  }
  ~EvaluationMode() { module_.train(was_training_); }

 private:
  torch::nn::Module& module_;
  bool was_training_;
};

}  // namespace

Evaluator::Evaluator(EvaluateJob job)
    : job_(std::move(job)),
      tally_(job_.loss.regression, job_.device, std::ssize(job_.loader.options().seeds),
             job_.loader.dataset().preparation().target_deviation) {}

std::vector<Evaluation> Evaluator::run() {
  const torch::NoGradGuard no_grad;
  const EvaluationMode mode(*job_.network.ptr());
  tally_.clear();
  auto batches = job_.loader.epoch(0);
  while (const auto batch = batches.next()) {
    tally_.count(batch->targets);
    const auto prepared_batch = [&] {
      return data::Batch{prepared(batch->inputs, job_.device, job_.precision),
                         prepared(batch->targets, job_.device, job_.precision)};
    };
    const int64_t samples = batch->targets.size(job_.loader.options().seeds.size() > 1 ? 1 : 0);
    if (!job_.recorded) {
      add(prepared_batch());
    } else {
      job_.recorded->run(job_.role, {[&](const NextBatch& next) { add(next()); }, {}}, prepared_batch, 1, samples);
    }
  }
  return tally_.of_all(job_.world).read();
}

// The device's part.
void Evaluator::add(const data::Batch& batch) {
  const bool images = batch.inputs.dim() == 4;
  const auto forward = [&](const torch::Tensor& x) {
    return forward_pass(job_.network, x, job_.precision, job_.device, job_.around_forward);
  };
  const auto outputs_of = [&](const torch::Tensor& x) {
    const torch::Tensor outputs = forward(x);
    return job_.spec.flip_average && images ? (outputs + forward(x.flip(3))) / 2 : outputs;
  };
  const torch::Tensor outputs = outputs_of(batch.inputs);
  tally_.add_sums(outputs, batch.targets, job_.loss.mean(outputs, batch.targets));
  if (!job_.loss.regression && job_.spec.margins.value_or(!images))
    tally_.add_margins(margins_of(outputs_of, batch.inputs, batch.targets));
}

}  // namespace optdnn::training
