// Recorded work by CUDA's graphs, through LibTorch's own.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include "optdnn/training/graph.h"

namespace optdnn::training {

namespace {

c10::cuda::CUDAStream graph_stream(const torch::Device& device) {
  static const auto stream = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index());
  return stream;
}

class CudaGraph : public Graph {
 public:
  explicit CudaGraph(const torch::Device& device) : device_(device) {}

  // Choice: capture fails only for what this thread does wrongly, so that loaders may go on.
  void record(const std::function<void()>& work) override {
    const auto stream = graph_stream(device_);
    stream.synchronize();
    const c10::cuda::CUDAStreamGuard guard(stream);
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);  // with a memory pool of its own
    try {
      work();
    } catch (...) {
      end_failed_capture();
      throw;
    }
    graph_.capture_end();
  }

  void replay() override {
    const c10::cuda::CUDAStreamGuard guard(graph_stream(device_));
    graph_.replay();
  }

 private:
  // The stream can be used again afterwards.
  void end_failed_capture() {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {
    }
    cudaGetLastError();
  }

  torch::Device device_;
  at::cuda::CUDAGraph graph_;
};

}  // namespace

std::unique_ptr<Graph> make_graph(const torch::Device& device) {
  return device.is_cuda() ? std::make_unique<CudaGraph>(device) : nullptr;
}

std::string why_no_graph(const torch::Device& device) { return device.is_cuda() ? "" : "only CUDA has graphs"; }

void on_graph_stream(const torch::Device& device, const std::function<void()>& work) {
  if (!device.is_cuda()) return work();
  torch::cuda::synchronize(device.index());
  {
    const c10::cuda::CUDAStreamGuard guard(graph_stream(device));
    work();
  }
  torch::cuda::synchronize(device.index());
}

}  // namespace optdnn::training
