#include "optdnn/training/safetensors.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <nlohmann/json.hpp>

#include "optdnn/base/errors.h"
#include "optdnn/base/file_kind.h"
#include "optdnn/base/files.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"
#include "optdnn/data/tensor_bytes.h"
#include "optdnn/training/safetensors_header.h"

namespace optdnn::training {

static_assert(std::endian::native == std::endian::little, "the format's numbers are copied as they are");

namespace {

using base::concat;

const base::NameTable<torch::Dtype>& dtypes() {
  static const base::NameTable<torch::Dtype> table("dtypes", {
                                                                 {"F64", "", torch::kFloat64},
                                                                 {"F32", "", torch::kFloat32},
                                                                 {"F16", "", torch::kFloat16},
                                                                 {"BF16", "", torch::kBFloat16},
                                                                 {"I64", "", torch::kInt64},
                                                                 {"I32", "", torch::kInt32},
                                                                 {"I16", "", torch::kInt16},
                                                                 {"I8", "", torch::kInt8},
                                                                 {"U8", "", torch::kUInt8},
                                                                 {"BOOL", "", torch::kBool},
                                                             });
  return table;
}

std::string_view dtype_name(torch::Dtype dtype) {
  if (const std::string_view name = dtypes().name_of(dtype); !name.empty()) return name;
  throw std::invalid_argument(concat("safetensors has no name for the type ", c10::toString(dtype)));
}

// Bytes of a dense tensor, or nothing if LibTorch could not count its elements or strides.
std::optional<uint64_t> bytes_of(const TensorEntry& entry, torch::Dtype dtype) {
  int64_t bytes = static_cast<int64_t>(c10::elementSize(dtype));
  bool is_empty = false;
  for (const int64_t extent : entry.shape) {
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(extent, 1), &bytes)) return {};
    is_empty = is_empty || extent == 0;
  }
  return is_empty ? 0 : bytes;
}

// Offsets in the order of the file: each begins where the one before ends, and the last at the file's end.
void check_layout(std::vector<const TensorEntry*> entries, uint64_t data_size) {
  std::sort(entries.begin(), entries.end(), [](const TensorEntry* a, const TensorEntry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  uint64_t end = 0;
  for (const TensorEntry* entry : entries) {
    if (entry->begin != end) {
      throw HeaderError(concat("tensor '", entry->name, "' begins at byte ", entry->begin,
                               entry->begin < end ? ", inside another that ends at " : ", after a gap from ", end));
    }
    end = entry->end;
  }
  if (end != data_size) throw HeaderError(concat("the tensors end at byte ", end, " of ", data_size));
}

torch::Tensor read_tensor(const TensorEntry& entry, std::string_view data) {
  const torch::Dtype* dtype = dtypes().find(entry.dtype);
  if (!dtype) {
    throw HeaderError(concat("tensor '", entry.name, "' has the type '", entry.dtype, "', which is not read"),
                      concat("convert it to one of ", base::join(dtypes().names(), ", ")));
  }
  if (bytes_of(entry, *dtype) != entry.end - entry.begin) {
    throw HeaderError(
        concat("tensor '", entry.name, "' has ", entry.end - entry.begin, " bytes, not those of its shape and type"));
  }
  return data::tensor_of_bytes(data.substr(entry.begin, entry.end - entry.begin), entry.shape, *dtype);
}

}  // namespace

Safetensors decode_safetensors(std::string_view bytes, const std::string& name) {
  try {
    const Header header = read_header(bytes);
    std::vector<const TensorEntry*> entries;
    for (const TensorEntry& entry : header.tensors) entries.push_back(&entry);
    const std::string_view data = bytes.substr(header.data_begin);
    check_layout(entries, data.size());
    Safetensors content{{}, header.metadata};
    for (const TensorEntry& entry : header.tensors) content.tensors[entry.name] = read_tensor(entry, data);
    return content;
  } catch (const HeaderError& error) {
    if (const base::FileKind* kind = base::file_kind(bytes)) {
      const bool zip = kind->name == base::kZipArchive;
      throw base::EnvironmentError(
          concat(name, " is no safetensors file but ", kind->name, zip ? ", as PyTorch makes of a pickle" : ""),
          std::string(zip ? base::kPickleCure : kind->cure));
    }
    const char* what = error.hint.empty() ? ": not a sound safetensors file: " : ": ";
    throw base::EnvironmentError(concat(name, what, error.what()), error.hint);
  }
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  return decode_safetensors(base::read_file(path, std::numeric_limits<int64_t>::max()), path.string());
}

std::string encode_safetensors(const Safetensors& content) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  // Wide types first, so that every tensor begins at a multiple of its element's size.
  std::vector<std::pair<std::string, torch::Tensor>> tensors(content.tensors.begin(), content.tensors.end());
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const auto& a, const auto& b) { return a.second.element_size() > b.second.element_size(); });
  uint64_t size = 0;
  for (auto& [name, tensor] : tensors) {
    tensor = tensor.detach().cpu().contiguous();
    const uint64_t begin = size;
    size += tensor.nbytes();
    header[name] = {
        {"dtype", dtype_name(tensor.scalar_type())}, {"shape", tensor.sizes().vec()}, {"data_offsets", {begin, size}}};
  }
  std::string text = base::json_line(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t text_size = text.size();

  std::string bytes;
  bytes.reserve(8 + text.size() + size);
  bytes.append(reinterpret_cast<const char*>(&text_size), 8);
  bytes += text;
  for (const auto& [name, tensor] : tensors)
    bytes.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  return bytes;
}

void write_safetensors(const std::filesystem::path& path, const Safetensors& content) {
  base::write_file_atomically(path, encode_safetensors(content));
}

}  // namespace optdnn::training
