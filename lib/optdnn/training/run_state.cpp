#include "optdnn/training/run_state.h"

#include <cmath>
#include <limits>

#include "optdnn/base/text.h"
#include "optdnn/training/exchange.h"
#include "optdnn/training/stacked.h"

namespace optdnn::training {

using torch::Tensor;

namespace {
const std::string kCounted = "progress/counted";  // by observers
}

TensorMap RunState::snapshot(int64_t run, const Tally& recent, const Tally& since_evaluation,
                             const Tensor& counted) const {
  TensorMap all;
  const auto add = [&](const std::string& prefix, const TensorMap& tensors) {
    for (const auto& [name, tensor] : tensors) all[prefix + name] = part_of(tensor, run, runs_);
  };
  add("weights/", named_weights(module()));
  add("optimizer/", parts_.optimizer.state());
  if (parts_.ema) add("ema/", parts_.ema->state());
  if (parts_.scale) add("loss_scale/", parts_.scale->state());
  all["progress/recent"] = recent.packed(run);
  all["progress/since_evaluation"] = since_evaluation.packed(run);
  all["progress/spikes"] = parts_.spikes.packed(run);
  if (counted.defined()) all[kCounted] = counted;
  all[generator_name()] = generator().get_state();
  return all;
}

std::string RunState::generator_name() const {
  return base::concat("generator/", torch::DeviceTypeName(job_.device.type(), true));
}

Tensor RunState::counted(int64_t run) const { return job_.runs[run].counted ? job_.runs[run].counted() : Tensor(); }

void RunState::count_together(int64_t run) const {
  if (job_.world->is_alone() || !job_.runs[run].counted) return;
  job_.runs[run].recount(job_.world->together(counted(run)));
}

TensorMap RunState::here(int64_t run) const {
  return snapshot(run, parts_.recent, parts_.since_evaluation, counted(run));
}

TensorMap RunState::of_all(int64_t run) const {
  const world::World& world = *job_.world;
  if (world.is_alone()) return here(run);
  std::vector<Tensor> weights;
  for (const auto& item : named_weights(module())) weights.push_back(item.second);
  world.must_agree("the weights", fingerprint(weights));
  const Tensor own = counted(run);
  count_together(run);
  TensorMap all = snapshot(run, parts_.recent.of_all(world), parts_.since_evaluation.of_all(world), counted(run));
  if (own.defined()) job_.runs[run].recount(own);
  return all;
}

std::optional<TrainState> RunState::restore(int64_t run) {
  const auto found = read(run);
  return job_.world->is_alone() ? found : give(found);
}

std::optional<TrainState> RunState::read(int64_t run) {
  const auto& folder = job_.runs[run].checkpoints;
  auto state = folder.empty() ? std::nullopt : load_state(folder);
  if (!state) return state;
  // Another form than rows is that of an earlier build; it is left out.
  const auto rows = state->tensors.extract(kCounted);
  if (rows && rows.mapped().dim() == 2 && job_.runs[run].recount) job_.runs[run].recount(rows.mapped());
  // A run may move to another device; its random numbers then begin anew. Version 0.1.0 saw no spikes.
  TensorMap target = here(run);
  target.erase(kCounted);
  for (const std::string& name : {generator_name(), std::string("progress/spikes")}) {
    if (!state->tensors.contains(name)) target.erase(name);
  }
  std::erase_if(state->tensors,
                [&](const auto& item) { return item.first.starts_with("generator/") && !target.contains(item.first); });
  copy_tensors(state->tensors, target, (folder / "state.safetensors").string());
  if (target.contains(generator_name())) generator().set_state(target.at(generator_name()));
  parts_.recent.unpack(target.at("progress/recent"), run);
  parts_.since_evaluation.unpack(target.at("progress/since_evaluation"), run);
  if (target.contains("progress/spikes")) parts_.spikes.unpack(target.at("progress/spikes"), run);
  state->tensors.clear();
  return state;
}

// Rank 0's to all. What was counted stays with rank 0, as it is that of all; random numbers are each process's own.
std::optional<TrainState> RunState::give(const std::optional<TrainState>& read) {
  const world::World& world = *job_.world;
  TrainState state = read.value_or(TrainState{});
  const Tensor numbers = torch::tensor({double(read.has_value()), double(state.iteration), state.seconds,
                                        state.best.value_or(std::numeric_limits<double>::quiet_NaN()),
                                        double(state.best_iteration), double(state.skipped), double(state.rollbacks)},
                                       torch::kFloat64);
  const Tensor spikes = parts_.spikes.packed(0);
  world.give({numbers, spikes});
  parts_.spikes.unpack(spikes, 0);
  for (const auto& [name, tensor] : here(0)) {
    if (!name.starts_with("progress/") && !name.starts_with("generator/")) world.give({tensor});
  }
  if (!world.writes()) {
    parts_.recent.clear();
    parts_.since_evaluation.clear();
    if (const Tensor own = counted(0); own.defined()) job_.runs[0].recount(own.narrow(0, 0, 0));
  }
  const double* number = numbers.const_data_ptr<double>();
  if (number[0] == 0) return std::nullopt;
  state.iteration = static_cast<int64_t>(number[1]);
  state.seconds = number[2];
  state.best = std::isnan(number[3]) ? std::nullopt : std::optional(number[3]);
  state.best_iteration = static_cast<int64_t>(number[4]);
  state.skipped = static_cast<int64_t>(number[5]);
  state.rollbacks = static_cast<int64_t>(number[6]);
  return state;
}

}  // namespace optdnn::training
