// Which device a run uses, and what it is called in a result. The only place that asks for CUDA.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace optdnn::base {

// "cpu", "cuda" (the first), "cuda:1" or "auto" (CUDA if there is one) -> "cpu" or "cuda:<index>", the form
// torch::Device reads. Errors: ConfigError for another word, EnvironmentError if there is no such GPU.
std::string resolve_device(std::string_view request);

// GPUs that LibTorch sees.
int gpus();

// For summaries: the processor's or the GPU's name, LibTorch's version, the threads of an operation.
std::string device_name(const std::string& device);
// Of a GPU; empty for a CPU: driver 580.65, CUDA 13.0, cuDNN 9.10.2.
std::string gpu_software(const std::string& device);
// Whether this machine has a GPU of NVIDIA's that LibTorch cannot use: a driver without a CUDA build, or one that
// fails.
bool has_unusable_gpu();
std::string torch_version();
int torch_threads();
void set_torch_threads(int threads);

// Waits for the device's queued work, so that a clock can be read.
void synchronize(const std::string& device);

// The most memory that LibTorch's allocator has held of a GPU at once, since the program began or since it was told to
// forget that, which also gives back what it keeps unused; 0 for a CPU.
int64_t peak_device_bytes(const std::string& device);
void forget_peak_device_bytes(const std::string& device);

}  // namespace optdnn::base
