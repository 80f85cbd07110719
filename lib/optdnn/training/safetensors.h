// Safetensors: named tensors in one file that is only data.
//   8 bytes      n, little-endian: the size of the header
//   n bytes      JSON {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {...}}
//   the rest     the tensors, contiguous, little-endian, without gaps or overlaps
// Format: huggingface.co/docs/safetensors. A file is believed only as far as it is checked: sizes and offsets against
// the file's own size before memory is taken, no key twice, no hole, no dtype that is not in the table.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace optdnn::training {

using TensorMap = std::map<std::string, torch::Tensor>;

struct Safetensors {
  TensorMap tensors;  // on the CPU after reading
  std::map<std::string, std::string> metadata;
};

// Errors: EnvironmentError naming the file and what is wrong in it.
Safetensors read_safetensors(const std::filesystem::path& path);
Safetensors decode_safetensors(std::string_view bytes, const std::string& name);

// Written atomically. Requires: dense tensors of a type in the format's table, on any device.
void write_safetensors(const std::filesystem::path& path, const Safetensors& content);
std::string encode_safetensors(const Safetensors& content);

}  // namespace optdnn::training
