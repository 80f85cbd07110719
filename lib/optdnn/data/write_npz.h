// NumPy's .npz: arrays and texts by name, without compression.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace optdnn::data {

struct NpzContent {
  std::map<std::string, torch::Tensor> numbers;           // float32, float64 or int64, on the CPU
  std::map<std::string, std::vector<std::string>> texts;  // UTF-8
};

// Errors: EnvironmentError if the disk refuses.
void write_npz(const std::filesystem::path& path, const NpzContent& content);
std::string encode_npz(const NpzContent& content);

}  // namespace optdnn::data
