#include "optdnn/data/write_npz.h"

#include <zlib.h>

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

using base::concat;

namespace {

constexpr uint64_t kMostZip = 0xFFFFFFFF;  // without zip64

void put_number(std::string& bytes, uint64_t value, int count) {
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
}

std::string npy_of(const std::string& descr, const std::string& shape, std::string_view body) {
  std::string header = concat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (", shape, "), }");
  constexpr size_t kBefore = 10, kAligned = 64;
  header.append((kAligned - (kBefore + header.size() + 1) % kAligned) % kAligned, ' ');
  header += '\n';
  std::string bytes = "\x93NUMPY\1";
  bytes += '\0';
  put_number(bytes, header.size(), 2);
  bytes += header;
  bytes += body;
  return bytes;
}

std::string npy_of(const torch::Tensor& numbers) {
  const torch::Tensor dense = numbers.contiguous();
  const auto type = dense.scalar_type();
  const std::string descr = type == torch::kInt64 ? "<i8" : type == torch::kDouble ? "<f8" : "<f4";
  std::string shape;
  for (const int64_t size : dense.sizes()) shape += concat(size, ",");
  return npy_of(descr, shape, {static_cast<const char*>(dense.const_data_ptr()), dense.nbytes()});
}

// As bytes, 'S': UTF-8, filled up with zeros.
std::string npy_of(const std::vector<std::string>& texts) {
  size_t longest = 1;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  std::string body;
  for (const std::string& text : texts) body += text + std::string(longest - text.size(), '\0');
  return npy_of(concat("|S", longest), concat(texts.size(), ","), body);
}

class ZipWriter {
 public:
  void add(const std::string& name, const std::string& content) {
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    std::string middle;  // what both headers say
    put_number(middle, 20, 2);
    for (int i = 0; i < 2; ++i) put_number(middle, 0, 2);
    put_number(middle, 0x0021'0000, 4);  // 1 January 1980: the same bytes at any time
    put_number(middle, crc, 4);
    for (int i = 0; i < 2; ++i) put_number(middle, content.size(), 4);
    put_number(middle, name.size(), 2);
    put_number(middle, 0, 2);
    directory_ += "PK\1\2";
    put_number(directory_, 20, 2);
    directory_ += middle;
    put_number(directory_, 0, 2 + 2 + 2 + 4);
    put_number(directory_, bytes_.size(), 4);
    directory_ += name;
    bytes_ += "PK\3\4" + middle + name + content;
    ++members_;
  }

  std::string finish() {
    if (bytes_.size() + directory_.size() > kMostZip) {
      throw base::EnvironmentError("an .npz file of more than 4 GiB", "fewer samples or features, or a smaller split");
    }
    const size_t begin = bytes_.size();
    bytes_ += directory_ + "PK\5\6";
    put_number(bytes_, 0, 4);
    for (int i = 0; i < 2; ++i) put_number(bytes_, members_, 2);
    put_number(bytes_, directory_.size(), 4);
    put_number(bytes_, begin, 4);
    put_number(bytes_, 0, 2);
    return std::move(bytes_);
  }

 private:
  std::string bytes_, directory_;
  uint64_t members_ = 0;
};

}  // namespace

std::string encode_npz(const NpzContent& content) {
  ZipWriter zip;
  for (const auto& [name, numbers] : content.numbers) zip.add(name + ".npy", npy_of(numbers));
  for (const auto& [name, texts] : content.texts) zip.add(name + ".npy", npy_of(texts));
  return zip.finish();
}

void write_npz(const std::filesystem::path& path, const NpzContent& content) {
  base::write_file_atomically(path, encode_npz(content));
}

}  // namespace optdnn::data
