#include "optdnn/training/seal.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"

namespace optdnn::training {

namespace {

using base::concat;

const std::string kSum = "sha256";
const std::string kSumOf = "sha256/";

// Requires a dense tensor on the CPU.
std::string sum_of(const torch::Tensor& tensor) {
  return base::sha256_hex({static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()});
}

std::string sum_of(const std::map<std::string, std::string>& metadata) {
  std::string text;
  for (const auto& [key, value] : metadata) {
    if (key != kSum && !key.starts_with(kSumOf)) text += concat(key.size(), ":", key, value.size(), ":", value);
  }
  return base::sha256_hex(text);
}

}  // namespace

void seal(Safetensors& file) {
  std::erase_if(file.metadata, [](const auto& entry) { return entry.first.starts_with(kSumOf); });
  for (auto& [name, tensor] : file.tensors) {
    tensor = tensor.detach().cpu().contiguous();
    file.metadata[kSumOf + name] = sum_of(tensor);
  }
  file.metadata[kSum] = sum_of(file.metadata);
}

Safetensors read_sealed(const std::filesystem::path& path) {
  Safetensors file = read_safetensors(path);
  const auto check = [&](const std::string& key, const std::string& what, const auto& sum) {
    const auto expected = file.metadata.find(key);
    if (expected != file.metadata.end() && expected->second != sum())
      throw base::EnvironmentError(concat(path.string(), ": ", what, " not as it was written"));
  };
  check(kSum, "the metadata is", [&] { return sum_of(file.metadata); });
  for (const auto& item : file.tensors)
    check(kSumOf + item.first, concat("tensor '", item.first, "' is"), [&] { return sum_of(item.second); });
  return file;
}

}  // namespace optdnn::training
