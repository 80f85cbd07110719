#include "optdnn/data/tensor_bytes.h"

#include <algorithm>
#include <cstring>

namespace optdnn::data {

torch::Tensor tensor_of_bytes(std::string_view bytes, const std::vector<int64_t>& shape, torch::Dtype type) {
  torch::Tensor tensor = torch::empty(shape, type);
  if (type == torch::kBool) {
    std::transform(bytes.begin(), bytes.end(), static_cast<char*>(tensor.data_ptr()),
                   [](char byte) { return byte != 0; });
  } else if (!bytes.empty()) {
    std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  }
  return tensor;
}

}  // namespace optdnn::data
