// observe_solver of observe.h: what the solves of a run took, and what is measured of them at the test set.
#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/baselines/contraction.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/training/precision.h"

namespace optdnn::experiment {

namespace {

constexpr int64_t kSamples = 32;  // that the spectral radius is measured at

// All tallies as one: means weighted by the solves behind them.
solvers::SolveNumbers take_tallies(const models::Network& network, int64_t run) {
  solvers::SolveNumbers all;
  std::map<int64_t, double> weights;
  for (const auto& point : solvers::fixed_points(*network.module.ptr())) {
    const solvers::SolveNumbers one = point->tally().take(run);
    all.solves += one.solves;
    all.steps += one.steps * one.solves;
    all.residual += one.residual * one.solves;
    all.failed += one.failed + one.failed_back;
    for (const auto& [steps, residual] : one.curve) {
      all.curve[steps] += residual * one.solves;
      weights[steps] += one.solves;
    }
  }
  all.steps /= std::max(1.0, all.solves);
  all.residual /= std::max(1.0, all.solves);
  for (auto& [steps, residual] : all.curve) residual /= std::max(1.0, weights[steps]);
  return all;
}

// What the observers of several runs share: what is measured for all of them together, once a record.
struct Measured {
  models::Network network;
  data::Loader test;
  training::TrainSpec train;
  torch::Device device;
  int64_t runs;
  int64_t at = -1;                              // iteration
  std::vector<std::vector<double>> radii = {};  // by fixed point and run
  baselines::GradientCosines cosines = {};

  void measure(int64_t iteration) {
    if (at == iteration) return;
    const torch::Tensor inputs = test.epoch(0).next()->inputs;
    const bool stacked = inputs.dim() == 3;
    const torch::Tensor first = training::prepared(inputs.narrow(stacked, 0, std::min(kSamples, inputs.size(stacked))),
                                                   device, train.precision);
    radii = baselines::measure_radii(network, first);
    cosines = *baselines::measure_cosines(network, first, runs);
    at = iteration;
  }
};

void add_numbers(const solvers::SolveNumbers& numbers, metrics::Record& record) {
  record.set("solver/steps", numbers.steps);
  record.set("solver/residual", numbers.residual);
  record.set("solver/failed", numbers.failed);
  for (const auto& [steps, residual] : numbers.curve)
    record.set(base::concat("solver/residual_after/", steps), residual);
}

// The tallies of all fixed points, each row with the number of its point in front.
torch::Tensor packed_tallies(const models::Network& network, int64_t run) {
  std::vector<torch::Tensor> parts;
  for (const auto& point : solvers::fixed_points(*network.module.ptr())) {
    const torch::Tensor rows = point->tally().packed(run);
    const torch::Tensor number = torch::full({rows.size(0), 1}, static_cast<double>(parts.size()), torch::kFloat64);
    parts.push_back(torch::cat({number, rows}, 1));
  }
  return torch::cat(parts);
}

void unpack_tallies(const models::Network& network, const torch::Tensor& packed, int64_t run, int64_t runs,
                    const torch::Device& device) {
  int64_t number = 0;
  for (const auto& point : solvers::fixed_points(*network.module.ptr())) {
    const torch::Tensor rows = packed.index({packed.select(1, 0) == number++});
    point->tally().unpack(rows.narrow(1, 1, rows.size(1) - 1), run, runs, device);
  }
}

// The same samples in every process of a world.
data::LoaderOptions whole_batches(data::LoaderOptions options) {
  options.part = {};
  options.threads = 0;
  return options;
}

}  // namespace

std::vector<SolverObserver> observe_solver(models::Network network, const data::Loader& test,
                                           const training::TrainSpec& train, const torch::Device& device,
                                           int64_t runs) {
  if (solvers::fixed_points(*network.module.ptr()).empty()) return {};
  const auto measured = std::shared_ptr<Measured>(
      new Measured{std::move(network), {test.dataset(), whole_batches(test.options())}, train, device, runs});
  std::vector<SolverObserver> observers;
  for (int64_t run = 0; run < runs; ++run) {
    SolverObserver& observer = observers.emplace_back();
    observer.observe = [measured, run](int64_t, metrics::Record& record) {
      add_numbers(take_tallies(measured->network, run), record);
      measured->measure(record.iteration());
      double radius = 0;
      for (const auto& by_run : measured->radii) radius = std::max(radius, by_run.at(run));
      record.set("solver/spectral_radius", radius);
      record.set("solver/cosine/phantom", measured->cosines.phantom.at(run));
      record.set("solver/cosine/jacobian_free", measured->cosines.jacobian_free.at(run));
    };
    observer.counted = [measured, run] { return packed_tallies(measured->network, run); };
    observer.recount = [measured, run](const torch::Tensor& packed) {
      unpack_tallies(measured->network, packed, run, measured->runs, measured->device);
    };
  }
  return observers;
}

}  // namespace optdnn::experiment
