#include "support/mock_graph.h"

namespace optdnn::tests {

namespace {

// What the work asks of the device, which afterwards is as it was.
std::vector<MockCall> asked_of_device(const std::function<void()>& work) {
  const MockSnapshot before;
  const MockWatch watch(MockWatch::Mode::tape);
  try {
    work();
  } catch (...) {
    before.restore();
    throw;
  }
  before.restore();
  return watch.calls();
}

}  // namespace

void MockGraph::record(const std::function<void()>& work) {
  tape_ = asked_of_device(work);
  room_.emplace();
}

void MockGraph::replay() {
  room_->spoil();
  for (const MockCall& call : tape_) call.again();
}

void ComparingGraph::record(const std::function<void()>& work) {
  work_ = work;
  recorded_ = asked_of_device(work);
  for (MockCall& call : recorded_) call.again = nullptr;  // and with it the memory
}

void ComparingGraph::replay() {
  const MockWatch watch;
  work_();
  TORCH_CHECK(watch.waits().empty(), "the host would wait for the device: ", watch.waits().front());
  const auto& calls = watch.calls();
  for (size_t i = 0; i < std::max(calls.size(), recorded_.size()); ++i) {
    const std::string was = i < recorded_.size() ? recorded_[i].text : "nothing",
                      is = i < calls.size() ? calls[i].text : "nothing";
    TORCH_CHECK(was == is, "operator ", i, " was recorded as ", was, " and would now be ", is);
  }
}

}  // namespace optdnn::tests
