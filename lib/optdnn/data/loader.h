// Batches of an epoch in order: training samples in a permutation that is a function of (seed, epoch), fresh,
// validation and test samples in their natural order. Worker threads make batches ahead; what comes out is the same
// for any number of them, and an epoch can be entered at any batch.
//
//   auto epoch = loader.epoch(e, first_batch);
//   while (auto batch = epoch.next()) ...
//
// Several seeds are several runs at once: their batches are stacked along a leading run dimension, each bitwise that of
// its run alone.
#pragma once

#include <memory>
#include <optional>

#include "optdnn/data/dataset.h"

namespace optdnn::data {

// Share `number` of `of`.
struct Part {
  int64_t number = 0, of = 1;
};

struct LoaderOptions {
  Split split = Split::train;
  int64_t batch_size = 1;
  std::vector<uint64_t> seeds = {0};  // one per run; with several, batches are R x B x ...
  int threads = 0;                    // 0: batches are made by the caller's thread
  bool drop_last = false;             // leave out a last batch that is smaller than the others
  // Of every training batch; an empty part is given as one sample, which is not to count. Of the others every of-th
  // batch, whole.
  Part part = {};
};

// The places of a batch of `size` that a part has, in order. A part has consecutive pairs (i, size-1-i), and so with
// every sample the one at its place in the reversed batch, with which it is mixed. Parts differ by two places at most;
// one may be empty.
std::vector<int64_t> part_of_batch(int64_t size, Part part);

class EpochReader;

class Loader {
 public:
  // Requires: the data set outlives the loader and its readers; batch_size > 0; threads >= 0; a seed at least.
  // Errors: ConfigError if an epoch would have no batch (drop_last and fewer samples than one batch).
  Loader(const DataSet& dataset, LoaderOptions options);

  const DataSet& dataset() const { return dataset_; }
  const LoaderOptions& options() const { return options_; }
  int64_t batches_per_epoch() const;
  int64_t samples_per_epoch() const;  // those of all batches together

  // The batches first_batch, first_batch + 1, ... of one epoch.
  EpochReader epoch(int64_t epoch, int64_t first_batch = 0) const;

 private:
  int64_t own_batches() const;

  const DataSet& dataset_;
  LoaderOptions options_;
};

class EpochReader {
 public:
  ~EpochReader();  // stops the workers; batches not asked for are dropped
  EpochReader(EpochReader&&) noexcept;

  // The next batch; nothing at the end. Errors: what the data set threw when it made that batch.
  std::optional<Batch> next();

 private:
  friend class Loader;
  struct State;
  explicit EpochReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace optdnn::data
