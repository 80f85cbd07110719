// Work on a device that is recorded once and then replayed as a whole, so that the host starts hundreds of kernels with
// one call. The back end is chosen when the program is built: graph_cuda.cpp with a GPU's LibTorch and CUDA's headers,
// graph_none.cpp elsewhere.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>

namespace optdnn::training {

class Graph {
 public:
  virtual ~Graph() = default;
  // Requires: nothing in `work` waits for the device or depends on numbers of the host that change. Errors: c10::Error
  // if something waits; the device has then done nothing.
  virtual void record(const std::function<void()>& work) = 0;
  virtual void replay() = 0;
};

// Requires: what `work` leaves behind for others lies in memory that was there before: graphs share theirs. Nothing
// where the device has no graphs.
std::unique_ptr<Graph> make_graph(const torch::Device& device);

// Why make_graph() gives nothing for this device; empty where it does.
std::string why_no_graph(const torch::Device& device);

// Runs `work` on the stream that graphs are recorded on, after all that was asked of the device before. What follows
// sees its results.
void on_graph_stream(const torch::Device& device, const std::function<void()>& work);

}  // namespace optdnn::training
