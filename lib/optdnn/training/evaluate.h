// Evaluations of a network on a data set (evaluation.h).
#pragma once

#include "optdnn/data/loader.h"
#include "optdnn/training/loss.h"
#include "optdnn/training/precision.h"
#include "optdnn/training/recorded.h"
#include "optdnn/training/tally.h"
#include "optdnn/training/train_spec.h"
#include "optdnn/world/world.h"

namespace optdnn::training {

struct EvaluateJob {
  torch::nn::AnyModule& network;
  const data::Loader& loader;
  const Loss& loss;
  Precision precision;
  torch::Device device;
  EvaluateSpec spec = {};
  const world::World& world = world::World::alone();  // whose part the loader has
  Recorded* recorded = nullptr;                       // where its batches are replayed; may be null
  Recorded::Role role = Recorded::Role::test;
  AroundForward around_forward = {};  // of every forward pass; may be empty
};

// Evaluates a network as often as it is asked to. What the job refers to outlives it.
class Evaluator {
 public:
  explicit Evaluator(EvaluateJob job);

  // One evaluation per run of the loader, in evaluation mode; the network's mode is put back. Nothing is read back from
  // a GPU before the end. Of several processes each sees its part of the batches, and gets the evaluation of all.
  std::vector<Evaluation> run();

 private:
  void add(const data::Batch& batch);

  EvaluateJob job_;
  Tally tally_;
};

inline std::vector<Evaluation> evaluate(EvaluateJob job) { return Evaluator(std::move(job)).run(); }

}  // namespace optdnn::training
