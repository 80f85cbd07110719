// What a data set is: a function from (split, seed, epoch, sample numbers) to a batch. Order is a loader's business.
// Augmentation, jitter and fresh samples depend on (seed, epoch, sample) alone, so a batch may be split, made again or
// made by any thread without changing a bit of it.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "optdnn/base/names.h"
#include "optdnn/data/preparation.h"

namespace optdnn::data {

// Shapes: inputs_BCHW or inputs_BD, float32. targets_B int64 (class numbers); targets_BK float32 where an augmentation
// mixes classes (each row sums to 1); targets_BD float32 in a regression.
struct Batch {
  torch::Tensor inputs, targets;
  // Where loader threads make a batch for a GPU, both tensors are undefined, and the thread that trains, which the
  // GPU's queue belongs to, calls this for the batch (finished()). Empty elsewhere.
  std::function<Batch()> rest = {};
};
inline Batch finished(const Batch& batch) { return batch.rest ? batch.rest() : batch; }

struct DataShape {
  std::vector<int64_t> input;  // of one sample: {3, 32, 32} or {2}
  int64_t outputs = 0;         // classes, or dimensions of a regression's target
  bool regression = false;
};

// valid: samples held out of the training set (validation.h), seen as the test samples are.
enum class Split { train, valid, test };
const base::NameTable<Split>& enum_names(Split);

class DataSet {
 public:
  virtual ~DataSet() = default;

  virtual DataShape shape() const = 0;

  // Samples of one epoch; of Split::valid none without dataset.validation.
  virtual int64_t size(Split split) const = 0;

  // Whether the samples of a training epoch are drawn anew each time. They are then used in their natural order, so
  // that consecutive samples keep their balance (every ring, every vertex equally often).
  virtual bool fresh() const { return false; }

  // How often a training sample stands in an epoch; the epoch holds as many fewer different ones. Sample i is then also
  // i + size, i + 2 size, ..., augmented differently (repeated augmentation, Hoffer et al. 2020).
  virtual int64_t repeats() const { return 1; }

  // Whether batches are made by a GPU, whose queue is the calling thread's: then no loader's thread makes them.
  virtual bool on_gpu() const { return false; }

  // Threads that make its batches as fast as its device uses them.
  virtual int loader_threads() const { return 1; }

  // One per class, or empty.
  virtual std::vector<std::string> class_names() const { return {}; }

  // How a sample is prepared, for those who bring others.
  virtual Preparation preparation() const { return {{}, {}, {}, class_names(), {}, {}}; }

  // Requires: indices within 0 ... size(split)-1, times repeats() in training. Safe to call from several threads at
  // once.
  // Splits other than train ignore seed and epoch: they are the same for everybody and never augmented.
  virtual Batch batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const = 0;

  // A part of a training batch whose first sample is `first`: what is drawn once for a batch is drawn by that one.
  // Requires: with a sample also the one that stands as far from the other end of the batch (part_of_batch).
  virtual Batch part(uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices, int64_t /*first*/) const {
    return batch(Split::train, seed, epoch, indices);
  }
};

// Where a data set's files lie and its batches are made.
struct Place {
  std::filesystem::path root;  // the data folder
  torch::Device device = torch::kCPU;
};

// The spec of every data set is what the YAML key `dataset` holds under its name. It has a name, a line of help, keys
// (config/fields.h), `validation`, and
//   shape()            what make(...)->shape() will say, without reading a file
//   per_iteration()    samples, "all of them" worked out; Errors: those of make for sizes that cannot be
//   make(place)        reads the files, or prepares the task; Errors: ConfigError for sizes that cannot be,
//                      EnvironmentError for files that are missing or damaged, naming `optdnn fetch <name>`

}  // namespace optdnn::data
