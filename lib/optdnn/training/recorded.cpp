#include "optdnn/training/recorded.h"

#include "optdnn/base/log.h"
#include "optdnn/base/text.h"

namespace optdnn::training {

namespace {

constexpr int64_t kWarmUp = 3;  // real passes before one is recorded: libraries set up and choose their kernels

NextBatch in_turn(const std::vector<data::Batch>& batches) {
  return [batch = batches.begin()]() mutable { return *batch++; };
}

}  // namespace

Recorded::Recorded(const torch::Device& device, GraphMaker make_graph, std::string why_eager)
    : device_(device), make_graph_(std::move(make_graph)), why_eager_(std::move(why_eager)) {
  if (why_eager_.empty() && !make_graph_) why_eager_ = why_no_graph(device);
}

void Recorded::run(const Work& work, const NextBatch& next, int64_t batches, int64_t samples) {
  if (!why_eager_.empty()) return work.body(next);
  Size& size = sizes_[samples];
  if (size.seen++ < kWarmUp) return work.body(next);
  fill(size, next, batches);
  if (!size.graph && !record(size, work)) return work.body(in_turn(size.read));
  size.graph->replay();
  ++replays_;
}

// Puts the batches where the graph reads them.
void Recorded::fill(Size& size, const NextBatch& next, int64_t batches) {
  const bool first = size.read.empty();
  for (int64_t i = 0; i < batches; ++i) {
    const data::Batch batch = next();
    if (first) {
      size.read.push_back({batch.inputs.clone(), batch.targets.clone()});
    } else {
      size.read[i].inputs.copy_(batch.inputs);
      size.read[i].targets.copy_(batch.targets);
    }
  }
}

// Where it fails nothing was computed, and from now on everything runs operator by operator. Graphs of other sizes stay
// to the end: where one goes, LibTorch gives memory of its stream back that others still read.
bool Recorded::record(Size& size, const Work& work) {
  size.graph = make_graph_ ? make_graph_() : make_graph(device_);
  try {
    size.graph->record([&] { work.body(in_turn(size.read)); });
    return true;
  } catch (const c10::Error& error) {
    why_eager_ = base::concat("recording failed: ", base::split(error.what_without_backtrace(), '\n').front());
    base::log_warning(base::concat(why_eager_, "\n", error.what()));
  }
  size.graph.reset();
  if (work.undo) work.undo();
  return false;
}

}  // namespace optdnn::training
