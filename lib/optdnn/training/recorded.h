// Work on batches that asks the device for the same whenever the batches have the same sizes: done for real three
// times, then recorded as a graph and replayed from then on, a graph for each role and number of samples. What cannot
// be recorded runs operator by operator, with the same numbers; where one recording fails, everything does.
#pragma once

#include <map>

#include "optdnn/data/dataset.h"
#include "optdnn/training/graph.h"

namespace optdnn::training {

using GraphMaker = std::function<std::unique_ptr<Graph>()>;
using NextBatch = std::function<data::Batch()>;

class Recorded {
 public:
  enum class Role { training, validation, test };
  struct Work {
    // The device's alone. What it leaves behind lies in memory that was there before.
    std::function<void(const NextBatch&)> body;
    std::function<void()> undo;  // what a body that failed has done on the host; may be empty
  };
  // `make_graph`: in the place of the device's own; may be empty. `why_eager`: why nothing is to be recorded, or empty.
  Recorded(const torch::Device& device, GraphMaker make_graph, std::string why_eager);

  // `next` gives `batches` batches on the device, of `samples` samples in all. Requires: the sizes of the batches are
  // those of every call for the role with as many samples.
  void run(Role role, const Work& work, const NextBatch& next, int64_t batches, int64_t samples);

  // "captured", or why everything runs operator by operator.
  std::string how() const;
  int64_t replays(Role role) const;

 private:
  struct Size {
    int64_t seen = 0, replays = 0;
    std::vector<data::Batch> read;  // by the graph
    std::unique_ptr<Graph> graph;
  };
  static void fill(Size& size, const NextBatch& next, int64_t batches);
  bool record(Size& size, const Work& work);

  torch::Device device_;
  GraphMaker make_graph_;
  std::string why_eager_;
  std::map<std::pair<Role, int64_t>, Size> sizes_;  // by samples
};

}  // namespace optdnn::training
