// Experiments trained on one device or another, and what came out compared.
#pragma once

#include <optional>

#include "experiment/from_yaml.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/checkpoint.h"

namespace optdnn::tests {

using training::GraphMaker;

// What is compared with the CPU: a GPU, or the make-believe one. Which it is depends on the test program; nothing where
// there is none, and then the test has said why.
struct Accelerator {
  torch::Device device;
  GraphMaker make_graph;  // empty: the device's own
};
// `threads`: of a block, where kernels are emulated.
std::optional<Accelerator> accelerator(int threads = 1);

struct Trained {
  models::Network network;
  std::vector<training::TrainResult> results;  // one per seed
  const training::TrainResult& result() const { return results.front(); }
};

struct HowToTrain {
  std::filesystem::path checkpoints = {};
  int64_t stop_after = -1;     // iterations; all where negative
  std::string why_eager = {};  // asks for iterations operator by operator
  int loader_threads = 0;
  std::function<void()> before_iteration = {};
};

// The spec's seeds as one network where they train as one, the first alone elsewhere.
inline Trained train(const experiment::ExperimentSpec& spec, const Accelerator& on, HowToTrain how = {}) {
  const auto dataset = data::make_dataset(spec.dataset, "", on.device.str());
  const auto shape = experiment::network_shape(dataset->shape());
  std::vector<uint64_t> seeds = spec.seeds;
  if (!experiment::trains_as_one(spec, shape)) seeds.resize(1);
  Trained trained{experiment::make_stacked_network(spec, shape, seeds), {}};
  const experiment::Loaders loaders = experiment::make_loaders(*dataset, spec, seeds, how.loader_threads);
  training::TrainJob job = experiment::make_job(spec, dataset->shape(), trained.network, loaders);
  job.runs.resize(seeds.size());
  job.device = on.device;
  job.make_graph = on.make_graph;
  if (!how.why_eager.empty()) job.why_eager = how.why_eager;
  job.runs.front().checkpoints = how.checkpoints;
  job.stop_requested = [left = how.stop_after, before = how.before_iteration]() mutable {
    if (before) before();
    return left-- == 0;
  };
  trained.results = training::train(job);
  return trained;
}

inline Trained train_on_cpu(const experiment::ExperimentSpec& spec) { return train(spec, {torch::kCPU, {}}); }

// Of all weights, absolute.
inline double largest_difference(const Trained& a, const Trained& b) {
  double largest = 0;
  const auto of_b = training::named_weights(*b.network.module.ptr());
  for (const auto& [name, tensor] : training::named_weights(*a.network.module.ptr())) {
    const torch::Tensor one = tensor.cpu().to(torch::kFloat64), other = of_b.at(name).cpu().to(torch::kFloat64);
    largest = std::max(largest, (one - other).abs().max().item<double>());
  }
  return largest;
}

}  // namespace optdnn::tests
