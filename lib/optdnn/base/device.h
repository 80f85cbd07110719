// Which device a run uses, and what it is called in a result. The only place that asks for CUDA.
#pragma once

#include <string>
#include <string_view>

namespace optdnn::base {

// "cpu", "cuda" (the first), "cuda:1" or "auto" (CUDA if there is one) -> "cpu" or "cuda:<index>", the form
// torch::Device reads. Errors: ConfigError for another word, EnvironmentError if there is no such GPU.
std::string resolve_device(std::string_view request);

// For summaries: the processor's or the GPU's name, LibTorch's version, the threads of an operation.
std::string device_name(const std::string& device);
std::string torch_version();
int torch_threads();
void set_torch_threads(int threads);

// Waits for the device's queued work, so that a clock can be read.
void synchronize(const std::string& device);

}  // namespace optdnn::base
