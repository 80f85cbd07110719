#include "optdnn/training/recorded.h"

#include <algorithm>

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

void Recorded::run(Role role, const Work& work, const NextBatch& next, int64_t batches, int64_t samples) {
  if (!why_eager_.empty()) return work.body(next);
  Size& size = sizes_[{role, samples}];
  if (size.seen++ < kWarmUp) return work.body(next);
  fill(size, next, batches);
  if (!size.graph && !record(size, work)) return work.body(in_turn(size.read));
  size.graph->replay();
  ++size.replays;
}

std::string Recorded::how() const {
  if (why_eager_.empty()) return "captured";
  const auto replayed = [](const auto& entry) { return entry.second.replays > 0; };
  const bool began = std::any_of(sizes_.begin(), sizes_.end(), replayed);
  return base::concat(began ? "captured at first, then " : "", "eager: ", why_eager_);
}

int64_t Recorded::replays(Role role) const {
  int64_t sum = 0;
  for (const auto& [key, size] : sizes_) sum += key.first == role ? size.replays : 0;
  return sum;
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

// Where it fails nothing was computed. From then on no graph is replayed, of no role: the device's random generator is
// another one then, and where a graph goes, LibTorch gives cuBLAS's workspace of the stream back, which others use.
bool Recorded::record(Size& size, const Work& work) {
  size.graph = make_graph_ ? make_graph_() : make_graph(device_);
  try {
    size.graph->record([&] { work.body(in_turn(size.read)); });
    return true;
  } catch (const c10::Error& error) {
    const std::string why = error.what_without_backtrace();
    why_eager_ = base::concat("recording failed: ", base::split(why, '\n').front());
    base::log_warning(base::concat("recording failed: ", why));
  }
  if (work.undo) work.undo();
  return false;
}

}  // namespace optdnn::training
