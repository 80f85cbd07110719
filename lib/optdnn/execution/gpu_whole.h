// Stages of small two-layer modules on a GPU, in three launches (kernels/gpu/whole.cuh): forward, backward, and the
// gradients of the weights. In float32.
#pragma once

#include <mutex>

#include "optdnn/execution/whole_stage.h"
#include "optdnn/kernels/gpu/whole.h"
#include "optdnn/kernels/launcher.h"

namespace optdnn::execution {

// A program as the kernels read it, with the places that its values take in turn.
class GpuProgram {
 public:
  explicit GpuProgram(const Layers& layers);
  // The operations, then the terms. Made where a device first asks, and then the host waits.
  torch::Tensor on(const torch::Device& device);
  // What all launches are told alike; pointers and the number of samples are not filled in.
  const kernels::gpu::WholeProgram& sizes() const { return sizes_; }
  int64_t operation_bytes() const { return operation_bytes_; }
  const std::vector<int>& places() const { return places_; }  // by value

 private:
  kernels::gpu::WholeProgram sizes_{};
  std::vector<int> places_;
  int64_t operation_bytes_ = 0;
  torch::Tensor on_host_, on_device_;
  std::mutex mutex_;
};

class GpuWhole {
 public:
  explicit GpuWhole(std::shared_ptr<const Layers> layers);
  // Empty where the kernels take inputs like these, else why not.
  std::string declines(const variable_list& inputs) const;
  // One use. Without `differentiable` nothing is kept for a backward pass.
  c10::intrusive_ptr<WholeStage> stage(bool differentiable) const;

 private:
  std::shared_ptr<const Layers> layers_;
  std::shared_ptr<GpuProgram> program_;
};

}  // namespace optdnn::execution
