// Recorded work by CUDA's graphs, through LibTorch's own.
#include <ATen/core/CachingHostAllocator.h>
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

// LibTorch's graph, which keeps its pool of memory to itself until a capture has succeeded.
struct CapturedGraph : at::cuda::CUDAGraph {
  using at::cuda::CUDAGraph::mempool_id_;
};

template <class Do>
bool succeeds(Do work) {
  try {
    work();
    return true;
  } catch (const c10::Error&) {
    return false;
  }
}

class CudaGraph : public Graph {
 public:
  explicit CudaGraph(const torch::Device& device) : device_(device) {}

  // Choice: capture fails only for what this thread does wrongly, so that loaders may go on.
  void record(const std::function<void()>& work) override {
    const auto stream = graph_stream(device_);
    stream.synchronize();
    // A recording has memory of its own, and may not take what the allocator keeps of the iterations before it.
    c10::cuda::CUDACachingAllocator::emptyCache();
    const c10::cuda::CUDAStreamGuard guard(stream);
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);  // with a memory pool of its own
    try {
      work();
      graph_.capture_end();
    } catch (...) {
      abandon();
      throw;
    }
  }

  void replay() override {
    const c10::cuda::CUDAStreamGuard guard(graph_stream(device_));
    graph_.replay();
  }

 private:
  // capture_end() closes nothing where CUDA has called the capture off: the allocators of device and host would go on
  // to ask this graph, which ends, whose memory is wanted, and the generator would give no numbers outside of a
  // capture.
  void abandon() {
    const bool ended = succeeds([&] { graph_.capture_end(); });
    cudaGetLastError();
    if (ended) return;
    namespace device = c10::cuda::CUDACachingAllocator;
    at::HostAllocator& host = *at::getHostAllocator(at::kCUDA);
    const auto pool = graph_.mempool_id_;
    if (succeeds([&] { device::endAllocateToPool(device_.index(), pool); })) device::releasePool(device_.index(), pool);
    if (succeeds([&] { host.end_allocate_to_pool(pool); })) host.release_pool(pool);
    // Of the same seed and offset, and in no capture.
    at::Generator generator = at::globalContext().defaultGenerator(device_);
    generator.graphsafe_set_state(generator.clone());
  }

  torch::Device device_;
  CapturedGraph graph_;
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
