// Evaluations of a network on a data set (evaluation.h).
#pragma once

#include "optdnn/data/loader.h"
#include "optdnn/training/loss.h"
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
  GraphMaker make_graph = {};                         // in the place of the device's own; may be empty
  std::string why_eager = "it is evaluated once";     // why a batch must not be recorded as a graph; empty: it may be
};

// Evaluates a network as often as it is asked to. What the job refers to outlives it.
class Evaluator {
 public:
  explicit Evaluator(EvaluateJob job);

  // One evaluation per run of the loader, in evaluation mode; the network's mode is put back. Nothing is read back from
  // a GPU before the end. Of several processes each sees its part of the batches, and gets the evaluation of all.
  std::vector<Evaluation> run();
  const Recorded& recorded() const { return recorded_; }

 private:
  void add(const data::Batch& batch);

  EvaluateJob job_;
  Tally tally_;
  Recorded recorded_;
};

inline std::vector<Evaluation> evaluate(EvaluateJob job) { return Evaluator(std::move(job)).run(); }

}  // namespace optdnn::training
