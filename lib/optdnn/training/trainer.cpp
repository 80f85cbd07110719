#include "optdnn/training/trainer.h"

#include <cmath>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/divergence.h"
#include "optdnn/training/ema.h"
#include "optdnn/training/gradients.h"
#include "optdnn/training/loss_scale.h"
#include "optdnn/training/optimizer.h"
#include "optdnn/training/precision.h"
#include "optdnn/training/tally.h"

namespace optdnn::training {

namespace {

using torch::Tensor;

class Trainer {
 public:
  explicit Trainer(TrainJob& job)
      : job_(job),
        spec_(job.train),
        length_(length_of(job.train, job.train_loader->batches_per_epoch())),
        loss_(make_loss(job.loss)),
        parameters_(trainable_parameters(module())),
        optimizer_(make_optimizer(job.optimizer, parameters_)),
        guard_(/*deferred=*/!job.device.is_cpu(), job.device, length_, spec_.accumulate),
        recent_(loss_.regression, job.device),
        since_evaluation_(loss_.regression, job.device) {
    if (spec_.ema) ema_.emplace(module(), spec_.ema->decay);
    if (spec_.precision == Precision::float16) scale_.emplace(job.device);
  }

  TrainResult run() {
    const bool resumed = restore();
    result_.resumed_at = iteration_;
    for (metrics::Sink* sink : job_.sinks) sink->rewind(resumed ? iteration_ : -1);
    if (job_.seconds) clock_start_ = job_.seconds();
    if (iteration_ >= length_.iterations) {
      swap_average();
      result_.last = evaluated();
      swap_average();
    }
    module().train();
    while (iteration_ < length_.iterations && !result_.stopped) run_epoch(iteration_ / length_.iterations_per_epoch);
    result_.iterations = iteration_;
    result_.epochs = epochs();
    result_.seconds = seconds();
    return result_;
  }

 private:
  torch::nn::Module& module() const { return *job_.network.ptr(); }
  double epochs() const { return static_cast<double>(iteration_) / static_cast<double>(length_.iterations_per_epoch); }
  double seconds() const { return seconds_before_ + (job_.seconds ? job_.seconds() - clock_start_ : 0); }

  void run_epoch(int64_t epoch) {
    const int64_t begin = epoch * length_.iterations_per_epoch;
    const int64_t end = std::min(begin + length_.iterations_per_epoch, length_.iterations);
    auto batches = job_.train_loader->epoch(epoch, (iteration_ - begin) * spec_.accumulate);
    while (iteration_ < end) {
      if (job_.stop_requested && job_.stop_requested()) {
        result_.stopped = true;
        return save();
      }
      run_iteration(batches, iteration_ - begin);
      const bool is_last = iteration_ == length_.iterations;
      const bool evaluates = is_last || iteration_ % job_.evaluate.every_iterations(length_) == 0;
      const bool logs = evaluates || iteration_ % spec_.log_iterations(length_) == 0;
      const bool saves = is_last || iteration_ % spec_.save_iterations(length_) == 0;
      if (logs || saves) guard_.check();
      if (logs) report(evaluates);
      if (saves) save();
    }
  }

  // One update of the weights.
  void run_iteration(data::EpochReader& batches, int64_t in_epoch) {
    const int64_t batch_size = job_.train_loader->options().batch_size;
    const int64_t first = in_epoch * spec_.accumulate;
    const int64_t samples =
        std::min(batch_size * spec_.accumulate, job_.train_loader->samples_per_epoch() - batch_size * first);
    int64_t batch_number = iteration_ * spec_.accumulate;
    for (int64_t done = 0; done < samples; ++batch_number) {
      const data::Batch batch = batches.next().value();
      const int64_t size = batch.inputs.size(0);
      const Tensor loss = forward(batch, batch_number);
      const Tensor share = size == samples ? loss : loss * (static_cast<double>(size) / static_cast<double>(samples));
      (scale_ ? scale_->scaled(share) : share).backward();
      done += size;
    }
    update_weights(batch_number - 1);
    ++iteration_;
  }

  Tensor forward(const data::Batch& batch, int64_t batch_number) {
    const Tensor inputs = prepared(batch.inputs, job_.device, spec_.precision, spec_.channels_last);
    const Tensor targets = prepared(batch.targets, job_.device, spec_.precision);
    Tensor outputs;
    {
      const Autocast autocast(spec_.precision, job_.device);
      outputs = job_.network.forward(inputs);
    }
    const Tensor loss = loss_.mean(outputs, targets);
    guard_.watch(loss, "loss", batch_number);
    recent_.add(outputs, targets, loss);
    return loss;
  }

  void update_weights(int64_t batch_number) {
    StepControl control;
    Tensor overflowed;
    const auto gradients = scale_ || spec_.gradient_clip ? gradients_of(parameters_) : std::vector<Tensor>{};
    if (scale_) overflowed = scale_->unscale(gradients);
    if (spec_.gradient_clip) {
      const Tensor norm = gradient_norm(gradients);
      if (!scale_) guard_.watch(norm, "gradient", batch_number);
      control.divide = (norm / *spec_.gradient_clip).clamp_min(1);
    }
    control.skip = guard_.skip();
    if (scale_) control.skip = torch::maximum(control.skip.value_or(overflowed), overflowed);
    learning_rate_ = peak_learning_rate(job_.optimizer) * schedule_factor(job_.schedule, iteration_, length_);
    optimizer_->step(learning_rate_, control);
    clear_gradients(parameters_);
    if (scale_) scale_->update(overflowed);
    if (ema_) ema_->update();
  }

  void report(bool evaluates) {
    since_evaluation_.add(recent_);
    metrics::Record record(iteration_, epochs(), seconds());
    (evaluates ? since_evaluation_ : recent_).read().add_to(record, "train");
    record.set("train/learning_rate", learning_rate_);
    recent_.clear();
    if (evaluates) {
      since_evaluation_.clear();
      swap_average();
      judge(record);
      swap_average();
    }
    for (metrics::Sink* sink : job_.sinks) sink->write(record);
  }

  void judge(metrics::Record& record) {
    result_.last = evaluated();
    result_.last.add_to(record, "test");
    for (const auto& observe : job_.observers) observe(static_cast<int64_t>(epochs()), record);
    const double headline = result_.last.headline();
    if (std::isnan(headline) || (best_ && headline >= *best_)) return;
    best_ = result_.best = headline;
    result_.best_iteration = iteration_;
    if (spec_.keep_best && !job_.checkpoints.empty()) save_weights("best.safetensors");
  }

  // The moving average takes the weights' place, or gives it back.
  void swap_average() {
    if (ema_) ema_->swap();
  }

  Evaluation evaluated() {
    return evaluate(job_.network, *job_.test_loader, loss_, spec_.precision, job_.device, job_.evaluate.flip_average);
  }

  // Everything that continues, under the names it has in a checkpoint. Weights and moments share memory.
  TensorMap snapshot() const {
    TensorMap all;
    const auto add = [&](const std::string& prefix, const TensorMap& tensors) {
      for (const auto& [name, tensor] : tensors) all[prefix + name] = tensor;
    };
    add("weights/", named_weights(module()));
    add("optimizer/", optimizer_->state());
    if (ema_) add("ema/", ema_->state());
    if (scale_) add("loss_scale/", scale_->state());
    all["progress/recent"] = recent_.packed();
    all["progress/since_evaluation"] = since_evaluation_.packed();
    all[generator_name()] = generator().get_state();
    return all;
  }

  std::string generator_name() const {
    return base::concat("generator/", torch::DeviceTypeName(job_.device.type(), true));
  }
  at::Generator generator() const { return at::globalContext().defaultGenerator(job_.device); }

  void save() {
    if (job_.checkpoints.empty()) return;
    guard_.check();
    require_finite_weights();
    swap_average();
    save_weights("last.safetensors");
    swap_average();
    save_state(job_.checkpoints, {iteration_, seconds(), best_, result_.best_iteration, snapshot()});
  }

  // A finite loss may leave weights that are not; such a state never takes the place of a good one.
  void require_finite_weights() {
    std::vector<Tensor> weights;
    for (const auto& parameter : parameters_) weights.push_back(parameter.second.detach());
    if (std::isfinite(gradient_norm(weights).item<double>())) return;
    throw base::DivergedError(base::concat("the weights after iteration ", iteration_, " (epoch ",
                                           (iteration_ - 1) / length_.iterations_per_epoch + 1,
                                           ") are not finite; the checkpoint is that of before"),
                              "a smaller learning_rate, a longer warmup or a gradient_clip may help");
  }

  void save_weights(const char* file) {
    base::make_folders(job_.checkpoints);
    write_safetensors(job_.checkpoints / file, {named_weights(module()), {{"iteration", std::to_string(iteration_)}}});
  }

  // Returns whether there was a state to continue from.
  bool restore() {
    if (!job_.resume || job_.checkpoints.empty()) return false;
    auto state = load_state(job_.checkpoints);
    if (!state) return false;
    // A run may move to another device; its random numbers then begin anew.
    TensorMap target = snapshot();
    if (!state->tensors.contains(generator_name())) target.erase(generator_name());
    std::erase_if(state->tensors, [&](const auto& item) {
      return item.first.starts_with("generator/") && !target.contains(item.first);
    });
    copy_tensors(state->tensors, target, (job_.checkpoints / "state.safetensors").string());
    if (target.contains(generator_name())) generator().set_state(target.at(generator_name()));
    recent_.unpack(target.at("progress/recent"));
    since_evaluation_.unpack(target.at("progress/since_evaluation"));
    iteration_ = state->iteration;
    seconds_before_ = state->seconds;
    best_ = state->best;
    if (best_) result_.best = *best_;
    result_.best_iteration = state->best_iteration;
    return true;
  }

  TrainJob& job_;
  const TrainSpec& spec_;
  const Length length_;
  const Loss loss_;
  NamedParameters parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<Ema> ema_;
  std::optional<LossScale> scale_;
  DivergenceGuard guard_;
  Tally recent_, since_evaluation_;  // since the last record; since the last evaluation, up to the last record

  int64_t iteration_ = 0;  // updates done
  double learning_rate_ = 0;
  std::optional<double> best_;
  double seconds_before_ = 0, clock_start_ = 0;
  TrainResult result_;
};

}  // namespace

TrainResult train(TrainJob& job) {
  check_precision(job.train.precision, job.device);
  prepare_network(*job.network.ptr(), job.device, job.train.precision, job.train.channels_last);
  return Trainer(job).run();
}

}  // namespace optdnn::training
