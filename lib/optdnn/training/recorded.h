// Work on batches that asks the device for the same whenever the batches have the same sizes: done for real three
// times, then recorded as a graph and replayed from then on, a graph for each number of samples. What cannot be
// recorded runs operator by operator, with the same numbers.
#pragma once

#include <map>

#include "optdnn/data/dataset.h"
#include "optdnn/training/graph.h"

namespace optdnn::training {

using GraphMaker = std::function<std::unique_ptr<Graph>()>;
using NextBatch = std::function<data::Batch()>;

class Recorded {
 public:
  struct Work {
    std::function<void(const NextBatch&)> body;  // the device's alone
    std::function<void()> undo;                  // what a body that failed has done on the host; may be empty
  };
  // `make_graph`: in the place of the device's own; may be empty. `why_eager`: why nothing is to be recorded, or empty.
  Recorded(const torch::Device& device, GraphMaker make_graph, std::string why_eager);

  // `next` gives `batches` batches on the device, of `samples` samples in all. Requires: the sizes of the batches are
  // those of every call with as many samples.
  void run(const Work& work, const NextBatch& next, int64_t batches, int64_t samples);

  // "captured", or why everything runs operator by operator.
  std::string how() const { return why_eager_.empty() ? "captured" : "eager: " + why_eager_; }
  int64_t replays() const { return replays_; }

 private:
  struct Size {
    int64_t seen = 0;
    std::vector<data::Batch> read;  // by the graph
    std::unique_ptr<Graph> graph;
  };
  static void fill(Size& size, const NextBatch& next, int64_t batches);
  bool record(Size& size, const Work& work);

  torch::Device device_;
  GraphMaker make_graph_;
  std::string why_eager_;
  std::map<int64_t, Size> sizes_;  // by samples
  int64_t replays_ = 0;
};

}  // namespace optdnn::training
