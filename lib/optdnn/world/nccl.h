// Sums between GPUs by NCCL, whose library comes with LibTorch's CUDA builds. It is loaded when it is first wanted, and
// its functions are declared in nccl.cpp: neither its header nor CUDA's are needed to build.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

namespace optdnn::world {

class Nccl {
 public:
  // What rank 0 makes and all join by; 128 bytes.
  static std::string new_meeting();
  // Errors of all: EnvironmentError with what NCCL says.
  Nccl(int rank, int size, const std::string& meeting, const torch::Device& device);
  ~Nccl();
  Nccl(const Nccl&) = delete;

  // In place, on the device's current stream. Requires: on the device.
  void sum(const std::vector<torch::Tensor>& tensors);
  void give(const std::vector<torch::Tensor>& tensors);  // rank 0's

 private:
  struct Functions;
  static const Functions& functions();
  template <class Call>
  void each(const std::vector<torch::Tensor>& tensors, Call call);

  torch::Device device_;
  void* communicator_ = nullptr;
};

}  // namespace optdnn::world
