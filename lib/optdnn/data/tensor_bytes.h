// Tensors out of the bytes of files.
#pragma once

#include <torch/torch.h>

#include <string_view>
#include <vector>

namespace optdnn::data {

// In C's order and this machine's order of bytes. Any byte but 0 is true: another one in a bool is undefined behaviour.
// Requires: as many bytes as the shape takes.
torch::Tensor tensor_of_bytes(std::string_view bytes, const std::vector<int64_t>& shape, torch::Dtype type);

}  // namespace optdnn::data
