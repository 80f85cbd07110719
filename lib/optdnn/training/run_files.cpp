#include "optdnn/training/run_files.h"

#include <set>

#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/metrics/mean_record.h"
#include "optdnn/training/seal.h"
#include "optdnn/training/stacked.h"

namespace optdnn::training {

namespace {

uint64_t bytes_of(const TensorMap& tensors) {
  uint64_t bytes = 0;
  for (const auto& item : tensors) bytes += item.second.nbytes();
  return bytes;
}

}  // namespace

RunFiles::RunFiles(const TrainJob& job)
    : job_(job),
      any_(job.world->any(!job.runs.front().checkpoints.empty())),
      log_iterations_(job.train.log_iterations(length_of(job.train, job.train_loader->batches_per_epoch()))) {}

void RunFiles::check_rooms(const std::function<TensorMap(int64_t run)>& state) const {
  const auto runs = std::ssize(job_.runs);
  const uint64_t weights = bytes_of(named_weights(*job_.network.ptr())) / runs;
  for (int64_t run = 0; run < runs; ++run) {
    if (!keeps(run)) continue;
    base::make_folders(job_.runs[run].checkpoints);
    check_room(job_.runs[run].checkpoints, bytes_of(state(run)), weights);
  }
}

void RunFiles::write_weights(int64_t run, const char* name, int64_t iteration) const {
  const RunJob& of = job_.runs[run];
  about_to_write(run);
  base::make_folders(of.checkpoints);
  std::map<std::string, std::string> metadata;
  if (of.metadata) metadata = of.metadata();
  metadata["iteration"] = std::to_string(iteration);
  metadata["preparation"] = job_.train_loader->dataset().preparation().json();
  Safetensors file{part_of(named_weights(*job_.network.ptr()), run, std::ssize(job_.runs)), std::move(metadata)};
  seal(file);
  write_safetensors(of.checkpoints / name, file);
}

void RunFiles::write_state(int64_t run, const TrainState& state) const {
  save_state(job_.runs[run].checkpoints, state);
}

void RunFiles::write(int64_t run, const metrics::Record& record) const {
  about_to_write(run);
  for (metrics::Sink* sink : job_.runs[run].sinks) sink->write(record);
}

void RunFiles::write_progress(const std::vector<metrics::Record>& records) const {
  if (job_.progress.empty() || records.empty()) return;
  const metrics::Record mean = metrics::mean_record(records);
  for (metrics::Sink* sink : job_.progress) sink->write(mean);
}

void RunFiles::rewind(int64_t run, int64_t iteration) const {
  std::set<int64_t> left;
  for (metrics::Sink* sink : job_.runs[run].sinks) {
    if (const auto records = sink->rewind(iteration)) left.insert(*records);
  }
  if (left.size() > 1 || (left == std::set<int64_t>{0} && iteration >= log_iterations_)) {
    base::log_warning(base::concat(job_.runs[run].checkpoints.parent_path().string(), ": up to iteration ", iteration,
                                   " records are lost; its files of metrics hold ", *left.begin(),
                                   left.size() > 1 ? base::concat(" and ", *left.rbegin()) : std::string()));
  }
  if (run > 0) return;
  for (metrics::Sink* sink : job_.progress) sink->rewind(iteration);
}

void RunFiles::about_to_write(int64_t run) const {
  if (job_.runs[run].before_write) job_.runs[run].before_write();
}

}  // namespace optdnn::training
