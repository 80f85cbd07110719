// Recorded work by CUDA's graphs, through LibTorch's own.
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include <map>

#include "optdnn/training/graph.h"

namespace optdnn::training {

namespace {

c10::cuda::CUDAStream graph_stream(const torch::Device& device) {
  static std::map<c10::DeviceIndex, c10::cuda::CUDAStream> streams;
  const auto found = streams.find(device.index());
  if (found != streams.end()) return found->second;
  const auto stream = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index());
  return streams.emplace(device.index(), stream).first->second;
}

// Graphs that are there at the same time share a pool of memory: one stream replays them, and what is to last lies
// elsewhere, so that none is in another's way.
std::shared_ptr<c10::MempoolId_t> shared_pool() {
  static std::weak_ptr<c10::MempoolId_t> kept;
  std::shared_ptr<c10::MempoolId_t> pool = kept.lock();
  if (!pool) kept = pool = std::make_shared<c10::MempoolId_t>(at::cuda::graph_pool_handle());
  return pool;
}

struct CapturedGraph : at::cuda::CUDAGraph {
  using at::cuda::CUDAGraph::capture_ended_;
};

template <class Do>
void try_to(Do work) {
  try {
    work();
  } catch (const c10::Error&) {  // there was nothing to do
  }
}

class CudaGraph : public Graph {
 public:
  explicit CudaGraph(const torch::Device& device) : device_(device) {}

  // Choice: capture fails only for what this thread does wrongly, so that loaders may go on.
  void record(const std::function<void()>& work) override {
    const auto stream = graph_stream(device_);
    stream.synchronize();
    // Recordings have memory of their own, and may not take what the allocator keeps of the work before them.
    c10::cuda::CUDACachingAllocator::emptyCache();
    const c10::cuda::CUDAStreamGuard guard(stream);
    graph_.capture_begin(*pool_, cudaStreamCaptureModeThreadLocal);
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
  // Where CUDA has called the capture off, capture_end() does not give back its pool, and before LibTorch 2.13 does not
  // even leave it: the allocators of device and host would go on to ask this graph, which ends, whose memory is wanted,
  // and the generator would give no numbers outside of a capture.
  void abandon() {
    try_to([&] { graph_.capture_end(); });
    cudaGetLastError();
    if (graph_.capture_ended_) return;
    namespace device = c10::cuda::CUDACachingAllocator;
    at::HostAllocator& host = *at::getHostAllocator(at::kCUDA);
    try_to([&] { device::endAllocateToPool(device_.index(), *pool_); });
    try_to([&] { host.end_allocate_to_pool(*pool_); });
    device::releasePool(device_.index(), *pool_);
    host.release_pool(*pool_);
    // Of the same seed and offset, and in no capture.
    at::Generator generator = at::globalContext().defaultGenerator(device_);
    generator.graphsafe_set_state(generator.clone());
  }

  torch::Device device_;
  std::shared_ptr<c10::MempoolId_t> pool_ = shared_pool();
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
