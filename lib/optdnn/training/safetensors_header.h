// The header of a safetensors file: checked text, no tensors yet.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace optdnn::training {

struct TensorEntry {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;   // none negative
  uint64_t begin = 0, end = 0;  // begin <= end, counted from data_begin
};

struct Header {
  std::vector<TensorEntry> tensors;  // distinct names, in the order of the text
  std::map<std::string, std::string> metadata;
  uint64_t data_begin = 0;  // within the file
};

struct HeaderError : std::runtime_error {
  explicit HeaderError(const std::string& what, std::string what_to_do = "")
      : std::runtime_error(what), hint(std::move(what_to_do)) {}
  std::string hint;
};

// Reads the beginning of a file's bytes. Errors: HeaderError. Dtypes and the layout of the tensors are not looked at.
Header read_header(std::string_view bytes);

}  // namespace optdnn::training
