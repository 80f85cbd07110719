// A recorded iteration on the make-believe device. As with CUDA's graphs, recording computes nothing, and a replay does
// again what was recorded: the same operators with the same numbers of the host on the same memory, whatever the host
// has done since. Its memory is that of other graphs between two replays.
#pragma once

#include "optdnn/training/graph.h"
#include "support/mock_device.h"

namespace optdnn::tests {

class MockGraph : public training::Graph {
 public:
  void record(const std::function<void()>& work) override;
  void replay() override;

 private:
  std::vector<MockCall> tape_;
  std::optional<MockRoom> room_;
};

// In a graph's place: runs the work anew each time and requires that it asks the device for what it asked for when it
// was recorded, operators, numbers of the host and memory. Errors: c10::Error that names the first difference.
class ComparingGraph : public training::Graph {
 public:
  void record(const std::function<void()>& work) override;
  void replay() override;

 private:
  std::function<void()> work_;
  std::vector<MockCall> recorded_;
};

}  // namespace optdnn::tests
