#include "optdnn/training/iteration.h"

#include <ATen/ceil_div.h>

#include <algorithm>

#include "optdnn/training/exchange.h"
#include "optdnn/training/gradients.h"

namespace optdnn::training {

using torch::Tensor;

Iteration::Iteration(TrainJob& job, IterationParts parts)
    : job_(job),
      parts_(parts),
      runs_(static_cast<int64_t>(job.runs.size())),
      update_({parts.parameters, parts.optimizer, parts.guard, parts.ema, parts.scale, job.train.gradient_clip,
               !job.train.on_divergence.stops(), runs_},
              job.device) {}

void Iteration::run(const NextBatch& next, int64_t samples, int64_t first_batch, double learning_rate) {
  const auto begin = [&] { parts_.guard.begin(first_batch); };
  const auto undo = [&] {
    clear_gradients(parts_.parameters);
    if (job_.penalty) job_.penalty();  // of a forward pass that was not ended
    begin();
  };
  begin();
  update_.begin(learning_rate);
  const int64_t batch_size = job_.train_loader->options().batch_size;
  parts_.recorded.run(
      Recorded::Role::training, {[&](const NextBatch& batches) { body(batches, samples); }, undo},
      [&] { return prepare(next()); }, at::ceil_div(samples, batch_size), samples);
}

data::Batch Iteration::prepare(const data::Batch& batch) {
  if (job_.world->is_alone()) parts_.recent.count(batch.targets);
  const TrainSpec& spec = job_.train;
  const Tensor inputs = prepared(batch.inputs, job_.device, spec.precision, spec.channels_last && runs_ == 1);
  // A GPU's batches may come with their channels innermost.
  const bool as_it_is = job_.device.is_cpu() || spec.channels_last;
  return {as_it_is ? inputs : inputs.contiguous(), prepared(batch.targets, job_.device, spec.precision)};
}

void Iteration::body(const NextBatch& next, int64_t samples) {
  if (!job_.world->is_alone()) return body_of_many(next, samples);
  for (int64_t done = 0; done < samples;) {
    const data::Batch batch = next();
    const int64_t size = samples_in(batch);
    const Tensor losses = forward(batch);
    if (parts_.guard.all_diverged()) return;
    const Tensor penalty = job_.penalty ? job_.penalty() : Tensor();
    const Tensor sum = runs_ > 1 ? losses.sum() : losses;
    const Tensor loss = penalty.defined() ? sum + penalty : sum;
    const Tensor share = size == samples ? loss : loss * (static_cast<double>(size) / static_cast<double>(samples));
    (parts_.scale ? parts_.scale->scaled(share) : share).backward();
    done += size;
    if (done < samples) parts_.guard.next_batch();
  }
  update_.run();
}

// Of one run on several processes. Nobody returns early, as the others may be in a norm that waits for all; what is not
// finite shows in the summed losses, before the weights are touched.
void Iteration::body_of_many(const NextBatch& next, int64_t samples) {
  const world::World& world = *job_.world;
  const int64_t batch_size = job_.train_loader->options().batch_size;
  std::vector<Tensor> shares;
  for (int64_t done = 0; done < samples;) {
    const data::Batch batch = next();
    const int64_t whole = std::min(batch_size, samples - done);
    const int64_t own = std::ssize(data::part_of_batch(whole, job_.train_loader->options().part));
    world.set_counts(own > 0);
    const RunJob& run = job_.runs.front();
    const Tensor counted = own == 0 && run.counted ? run.counted() : Tensor();
    const Tensor outputs = outputs_of(batch);
    const Tensor mean = parts_.loss.mean(outputs, batch.targets);
    if (own > 0) parts_.recent.add(outputs, batch.targets, mean);
    const Tensor wide = mean.detach().to(torch::kFloat64);
    const double of_batch = static_cast<double>(own) / static_cast<double>(whole);
    shares.push_back(own > 0 ? wide * of_batch : torch::zeros_like(wide));
    const Tensor penalty = job_.penalty ? job_.penalty() : Tensor();
    const Tensor loss =
        (penalty.defined() ? mean + penalty : mean) * (static_cast<double>(own) / static_cast<double>(samples));
    (parts_.scale ? parts_.scale->scaled(loss) : loss).backward();
    if (counted.defined()) run.recount(counted);
    done += whole;
  }
  const Agreed agreed =
      exchange(world, parts_.parameters, torch::stack(shares), job_.stop_requested && job_.stop_requested());
  stop_ = agreed.stop;
  for (int64_t i = 0; i < std::ssize(shares); ++i) {
    if (i > 0) parts_.guard.next_batch();
    parts_.guard.watch(agreed.losses[i], "loss");
    if (parts_.see) parts_.see(agreed.losses[i]);
    if (parts_.guard.all_diverged()) return;
  }
  world.sum(gradients_of(parts_.parameters));
  update_.run();
}

Tensor Iteration::outputs_of(const data::Batch& batch) {
  return forward_pass(job_.network, batch.inputs, job_.train.precision, job_.device, job_.around_forward);
}

// A loss per run.
Tensor Iteration::forward(const data::Batch& batch) {
  const Tensor outputs = outputs_of(batch);
  const Tensor losses = parts_.loss.mean(outputs, batch.targets);
  parts_.guard.watch(losses, "loss");
  if (parts_.see) parts_.see(losses);
  parts_.recent.add_sums(outputs, batch.targets, losses);
  return losses;
}

}  // namespace optdnn::training
