#include "optdnn/training/trainer.h"

#include <cmath>
#include <limits>

#include "optdnn/base/log.h"
#include "optdnn/base/random.h"
#include "optdnn/base/text.h"
#include "optdnn/kernels/launcher.h"
#include "optdnn/training/evaluations.h"
#include "optdnn/training/gradients.h"
#include "optdnn/training/iteration.h"
#include "optdnn/training/precision.h"
#include "optdnn/training/run_files.h"
#include "optdnn/training/run_state.h"
#include "optdnn/training/spikes.h"
#include "optdnn/training/stacked.h"

namespace optdnn::training {

namespace {

using torch::Tensor;

// After a rollback an epoch's batches are those of one that no training reaches.
constexpr int64_t kEpochsApart = int64_t{1} << 32;

std::string why_eager(const TrainJob& job) {
  if (!job.why_eager.empty()) return job.why_eager;
  if (!job.train.on_divergence.stops()) return "train.on_divergence reads every loss";
  return job.world->is_alone() ? "" : "several processes train together";
}

class Trainer {
 public:
  explicit Trainer(TrainJob& job)
      : job_(job),
        spec_(job.train),
        world_(*job.world),
        runs_(static_cast<int64_t>(job.runs.size())),
        length_(length_of(job.train, job.train_loader->batches_per_epoch())),
        loss_(make_loss(job.loss)),
        parameters_((freeze_parameters(module(), groups_of(job.optimizer)), trainable_parameters(module()))),
        optimizer_(job.rates.empty() ? make_optimizer(job.optimizer, parameters_, runs_ > 1)
                                     : make_optimizer(job.optimizer, parameters_, job.rates)),
        guard_(/*deferred=*/!job.device.is_cpu() && spec_.on_divergence.stops(), job.device, length_, spec_.accumulate,
               runs_),
        recent_(loss_.regression, job.device, runs_, unit_of_targets()),
        since_evaluation_(loss_.regression, job.device, runs_, unit_of_targets()),
        spikes_(runs_),
        files_(job),
        state_(job, {*optimizer_, ema_, scale_, recent_, since_evaluation_, spikes_}),
        recorded_(job.device, job.make_graph, why_eager(job)),
        update_(job, {parameters_, *optimizer_, loss_, guard_, recent_, ema_, scale_, recorded_, spike_watch()}),
        results_(runs_),
        evaluations_(job, {ema_, guard_, files_, recorded_, results_}) {
    if (spec_.ema) ema_.emplace(module(), spec_.ema->decay);
    if (spec_.precision == Precision::float16) scale_.emplace(job.device);
  }

  std::vector<TrainResult> run() {
    const auto launches_before = kernels::launches(job_.device);
    for (int64_t run = 0; run < runs_; ++run) {
      if (job_.resume) restore(run);
      files_.rewind(run, has_state_ ? iteration_ : -1);
      results_[run].resumed_at = iteration_;
    }
    if (job_.seconds) clock_start_ = job_.seconds();
    if (files_.any()) files_.check_rooms([this](int64_t run) { return state_.here(run); });
    if (spec_.on_divergence.rollback && !has_state_ && !is_over()) save();  // what the first checkpoint goes back to
    if (iteration_ >= length_.iterations) evaluations_.run(iteration_);
    module().train();
    while (iteration_ < length_.iterations && !is_over()) run_epoch(iteration_ / length_.iterations_per_epoch);
    const auto started = kernels::files_started(launches_before, kernels::launches(job_.device));
    for (int64_t run = 0; run < runs_; ++run) {
      TrainResult& result = results_[run];
      result.diverged = guard_.error(run);
      result.stopped = stopped_ && !result.diverged;
      result.iterations = iteration_;
      result.epochs = epochs();
      result.skipped = skipped_;
      result.rollbacks = rollbacks_;
      result.seconds = seconds(run);
      result.iteration = recorded_.how();
      result.replays = recorded_.replays(Recorded::Role::training);
      result.evaluation_replays =
          recorded_.replays(Recorded::Role::validation) + recorded_.replays(Recorded::Role::test);
      result.kernels = started;
    }
    return results_;
  }

 private:
  torch::nn::Module& module() const { return *job_.network.ptr(); }
  std::vector<double> unit_of_targets() const { return job_.train_loader->dataset().preparation().target_deviation; }
  double epochs() const { return static_cast<double>(iteration_) / static_cast<double>(length_.iterations_per_epoch); }
  double seconds(int64_t run) const {
    const double now = job_.seconds ? job_.seconds() - clock_start_ : 0;
    return results_[run].seconds + now / static_cast<double>(runs_);
  }
  double learning_rate(int64_t run) const {
    const double peak = job_.rates.empty() ? peak_learning_rate(job_.optimizer) : job_.rates[run].learning_rate;
    return peak * schedule_factor_;
  }
  bool is_over() const { return stopped_ || guard_.all_diverged(); }

  // Every run that has not diverged.
  template <class Do>
  void for_each_run(Do each) {
    for (int64_t run = 0; run < runs_; ++run) {
      if (!guard_.error(run)) each(run);
    }
  }

  void run_epoch(int64_t epoch) {
    const int64_t begin = epoch * length_.iterations_per_epoch;
    const int64_t end = std::min(begin + length_.iterations_per_epoch, length_.iterations);
    auto batches = job_.train_loader->epoch(epoch + rollbacks_ * kEpochsApart, (iteration_ - begin) * spec_.accumulate);
    while (iteration_ < end) {
      if (is_told_to_stop()) {
        stopped_ = true;
        return save();
      }
      if (spec_.on_divergence.skip) {
        statistics_ = copies(buffers());
        counted_ = recent_.packed();
      }
      run_iteration(batches, iteration_ - begin);
      const bool skips = guard_.all_diverged() && skip();
      if (guard_.all_diverged()) return roll_back();
      ++iteration_;
      const bool is_last = iteration_ == length_.iterations;
      const bool evaluates = is_last || iteration_ % job_.evaluate.every_iterations(length_) == 0;
      const bool logs = evaluates || iteration_ % spec_.log_iterations(length_) == 0;
      const bool saves = is_last || iteration_ % spec_.save_iterations(length_) == 0;
      if (logs || saves) guard_.sync();
      if (guard_.all_diverged()) return roll_back();
      if (logs) report(evaluates);
      if (saves && !guard_.all_diverged()) save();
      if (guard_.all_diverged()) return roll_back();
      if (skips) return;  // the epoch is entered anew behind the batches of the iteration
    }
  }

  // Several processes agree on it in every iteration, and stop after the same one.
  bool is_told_to_stop() const {
    return world_.is_alone() ? job_.stop_requested && job_.stop_requested() : update_.stop();
  }

  // Random numbers of a process are its own, and those of an iteration do not depend on where training was continued.
  void seed_share() {
    const uint64_t seed = job_.train_loader->options().seeds.front();
    base::RandomStream stream(seed, "share", iteration_, world_.rank());
    base::seed_torch(stream.next());
  }

  // One update of the weights, unless every run has diverged.
  void run_iteration(data::EpochReader& batches, int64_t in_epoch) {
    const int64_t batch_size = job_.train_loader->options().batch_size;
    const int64_t left = job_.train_loader->samples_per_epoch() - batch_size * in_epoch * spec_.accumulate;
    schedule_factor_ = schedule_factor(job_.schedule, iteration_, length_);
    if (!world_.is_alone()) seed_share();
    update_.run([&] { return batches.next().value(); }, std::min(batch_size * spec_.accumulate, left),
                iteration_ * spec_.accumulate, learning_rate(0));
  }

  // Of every batch on a CPU; a GPU's losses are looked at in report(), as means.
  std::function<void(const Tensor&)> spike_watch() {
    if (!job_.device.is_cpu()) return {};
    return [this](const Tensor& losses) { look_for_spikes(losses); };
  }

  void look_for_spikes(const Tensor& losses) {
    const Tensor wide = losses.detach().to(torch::kFloat64).contiguous();
    for (int64_t run = 0; run < runs_; ++run) spikes_.watch(run, wide.const_data_ptr<double>()[run], iteration_ + 1);
  }

  // --- train.on_divergence, of one run ---

  std::vector<Tensor> buffers() const { return module().buffers(); }
  static std::vector<Tensor> copies(const std::vector<Tensor>& tensors) {
    std::vector<Tensor> all;
    for (const Tensor& tensor : tensors) all.push_back(tensor.detach().clone());
    return all;
  }

  // Leaves out the update of this iteration, if the policy still allows one.
  bool skip() {
    const auto& most = spec_.on_divergence.skip;
    if (!most || skipped_ >= *most) return false;
    ++skipped_;
    base::log_warning(
        base::concat(guard_.error(0)->what(), "; its update is left out: ", skipped_, " of at most ", *most));
    guard_.forgive(0);
    clear_gradients(parameters_);
    const torch::NoGradGuard no_grad;
    const std::vector<Tensor> now = buffers();
    for (size_t i = 0; i < now.size(); ++i) now[i].copy_(statistics_[i]);
    recent_.unpack(counted_);
    return true;
  }

  // Goes back to the last checkpoint, if the policy still allows it; else the run has diverged.
  void roll_back() {
    const auto& most = spec_.on_divergence.rollback;
    if (!most || rollbacks_ >= *most || !files_.any()) return;
    const int64_t count = rollbacks_ + 1;
    const std::string what = guard_.error(0)->what();
    guard_.forgive(0);
    clear_gradients(parameters_);
    const TrainResult before = results_[0];
    restore(0);
    results_[0].seconds = before.seconds;  // what was in vain took its time too
    results_[0].best = before.best;        // whose weights best.safetensors still holds
    results_[0].best_iteration = before.best_iteration;
    rollbacks_ = count;
    files_.rewind(0, iteration_);
    base::log_warning(base::concat(what, "; back to iteration ", iteration_, " and on with other batches: rollback ",
                                   count, " of at most ", *most));
  }

  void report(bool evaluates) {
    since_evaluation_.add(recent_);
    const auto trained = (evaluates ? since_evaluation_ : recent_).of_all(world_).read();
    recent_.clear();
    if (evaluates) {
      since_evaluation_.clear();
      evaluations_.run(iteration_);
    }
    std::vector<metrics::Record> records;
    for_each_run([&](int64_t run) {
      metrics::Record record(iteration_, epochs(), seconds(run));
      trained[run].add_to(record, "train");
      record.set("train/learning_rate", learning_rate(run));
      if (!job_.device.is_cpu()) spikes_.watch(run, trained[run].loss, iteration_);
      const auto put = [&](const char* name, int64_t count) {
        if (count > 0) record.set(name, static_cast<double>(count));
      };
      put("train/spikes", spikes_.count(run));
      put("train/skipped", skipped_);
      put("train/rollbacks", rollbacks_);
      if (evaluates) judge(run, record);
      files_.write(run, record);
      records.push_back(std::move(record));
    });
    files_.write_progress(records);
  }

  void judge(int64_t run, metrics::Record& record) {
    evaluations_.add_to(run, record);
    state_.count_together(run);
    for (const auto& observe : job_.runs[run].observers) observe(static_cast<int64_t>(epochs()), record);
  }

  void save() {
    guard_.sync();
    if (files_.any()) for_each_run([&](int64_t run) { save(run); });
  }

  void save(int64_t run) {
    if (!has_finite_weights(run)) return;
    const TensorMap all = state_.of_all(run);
    if (!files_.keeps(run)) return;  // rank 0 does it
    evaluations_.swap_average();
    files_.write_weights(run, "last.safetensors", iteration_);
    evaluations_.swap_average();
    const TrainResult& result = results_[run];
    const auto best = std::isnan(result.best) ? std::nullopt : std::optional(result.best);
    files_.write_state(run, {iteration_, seconds(run), best, result.best_iteration, skipped_, rollbacks_, all});
  }

  // A finite loss may leave weights or statistics that are not; such a state never takes the place of a good one.
  bool has_finite_weights(int64_t run) {
    for (const auto& [name, tensor] : named_weights(module())) {
      if (!tensor.is_floating_point() || part_of(tensor, run, runs_).isfinite().all().item<bool>()) continue;
      guard_.give_up(run, base::concat("tensor '", name, "'"), iteration_);
      return false;
    }
    return true;
  }

  // Continues from the state a run left, where there is one.
  void restore(int64_t run) {
    const auto left = state_.restore(run);
    const int64_t iteration = left ? left->iteration : 0;
    if (run > 0 && iteration != iteration_) {
      throw base::EnvironmentError(
          base::concat("runs at iterations ", iteration_, " and ", iteration, " cannot go on as one network"));
    }
    iteration_ = iteration;
    has_state_ = left.has_value();
    if (!left) return;
    results_[run].seconds = left->seconds;
    results_[run].best = left->best.value_or(std::numeric_limits<double>::quiet_NaN());
    results_[run].best_iteration = left->best_iteration;
    skipped_ = left->skipped;
    rollbacks_ = left->rollbacks;
  }

  TrainJob& job_;
  const TrainSpec& spec_;
  const world::World& world_;
  const int64_t runs_;
  const Length length_;
  const Loss loss_;
  NamedParameters parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<Ema> ema_;
  std::optional<LossScale> scale_;
  DivergenceGuard guard_;
  Tally recent_, since_evaluation_;  // since the last record; since the last evaluation, up to the last record
  Spikes spikes_;
  const RunFiles files_;
  RunState state_;
  Recorded recorded_;
  Iteration update_;
  std::vector<Tensor> statistics_;  // the module's buffers before an iteration that may be skipped
  Tensor counted_;                  // recent_, likewise

  int64_t iteration_ = 0;  // updates done
  double schedule_factor_ = 0;
  double clock_start_ = 0;
  bool stopped_ = false, has_state_ = false;
  int64_t skipped_ = 0, rollbacks_ = 0;  // of one run
  std::vector<TrainResult> results_;     // while training, `seconds` are those before this call
  Evaluations evaluations_;
};

}  // namespace

std::vector<TrainResult> train(TrainJob& job) {
  check_precision(job.train.precision, job.device);
  if (job.runs.size() > 1 && job.train.precision == Precision::float16) {
    throw base::ConfigError("train.precision float16 scales the loss of one run; several cannot share it");
  }
  set_gpu_kernels(job.train, job.device);
  if (job.runs.size() > 1 && !job.train.on_divergence.stops()) {
    throw base::ConfigError("train.on_divergence goes on with one run; several cannot share it");
  }
  prepare_network(*job.network.ptr(), job.device, job.train.precision, job.train.channels_last && job.runs.size() == 1);
  std::vector<TrainResult> results;
  on_graph_stream(job.device, [&] { results = Trainer(job).run(); });
  return results;
}

}  // namespace optdnn::training
