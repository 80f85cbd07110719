#include "optdnn/data/npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "optdnn/base/errors.h"
#include "optdnn/base/file_kind.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/data/tensor_bytes.h"
#include "optdnn/data/zip_archive.h"

namespace optdnn::data {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{16} << 30;
constexpr size_t kMaxHeader = 1 << 16;
constexpr std::string_view kNpyMagic = "\x93NUMPY";

struct NpyType {
  std::string_view code;  // without the byte order
  torch::Dtype type;
  std::string_view name;
};
constexpr NpyType kNpyTypes[] = {
    {"b1", torch::kBool, "bool"},     {"u1", torch::kUInt8, "uint8"},   {"i1", torch::kInt8, "int8"},
    {"i2", torch::kInt16, "int16"},   {"i4", torch::kInt32, "int32"},   {"i8", torch::kInt64, "int64"},
    {"f2", torch::kHalf, "float16"},  {"f4", torch::kFloat, "float32"}, {"f8", torch::kDouble, "float64"},
    {"u2", torch::kUInt16, "uint16"}, {"u4", torch::kUInt32, "uint32"},
};

// The text of a Python dictionary of three known keys, and no more of Python than that.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& place) : text_(text), place_(place) {}

  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;

  void read() {
    take('{');
    while (!takes('}')) {
      const std::string key = quoted();
      take(':');
      if (key == "descr") {
        if (!text_.empty() && peek() == '[') fail("has fields of several types");
        descr = quoted();
      } else if (key == "fortran_order") {
        fortran_order = boolean();
      } else if (key == "shape") {
        read_shape();
      } else {
        fail("has a header with the key '" + key + "'");
      }
      if (!takes(',')) {
        take('}');
        return;
      }
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw EnvironmentError(concat(place_, " ", what)); }
  char peek() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\n')) text_.remove_prefix(1);
    return text_.empty() ? '\0' : text_.front();
  }
  bool takes(char c) {
    if (peek() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void take(char c) {
    if (!takes(c)) fail("has a header that is none of numpy's");
  }
  std::string quoted() {
    const char quote = peek() == '"' ? '"' : '\'';
    take(quote);
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos) fail("has a header that is none of numpy's");
    std::string inside(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return inside;
  }
  bool boolean() {
    for (const auto& [word, value] : {std::pair<std::string_view, bool>("True", true), {"False", false}}) {
      if (peek() != word[0] || !text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return value;
    }
    fail("has a header that is none of numpy's");
  }
  void read_shape() {
    take('(');
    while (!takes(')')) {
      peek();
      int64_t size = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) fail("has a header that is none of numpy's");
      text_.remove_prefix(end - text_.data());
      shape.push_back(size);
      if (!takes(',') && peek() != ')') fail("has a header that is none of numpy's");
    }
  }

  std::string_view text_;
  const std::string& place_;
};

struct NpyHeader {
  HeaderText text;
  std::string_view body;
};

NpyHeader read_header(std::string_view bytes, const std::string& place) {
  if (!bytes.starts_with(kNpyMagic) || bytes.size() < 12) {
    const base::FileKind* kind = base::file_kind(bytes);
    throw EnvironmentError(concat(place, kind ? concat(" is ", kind->name) : " is no array of numpy's"),
                           kind ? std::string(kind->cure) : "numpy.savez writes such a file");
  }
  const bool small = bytes[6] == 1;
  size_t length = 0;
  for (int i = small ? 1 : 3; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(bytes[8 + i]);
  const size_t begin = small ? 10 : 12;
  if (length > kMaxHeader || length > bytes.size() - begin) {
    throw EnvironmentError(place + " is damaged: its header is cut off");
  }
  NpyHeader header{HeaderText(bytes.substr(begin, length), place), bytes.substr(begin + length)};
  header.text.read();
  return header;
}

// The numbers of a shape; none if they are more than fit into 2^40.
std::optional<int64_t> count_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size > 0 && count > (int64_t{1} << 40) / size) return std::nullopt;
    count *= size;
  }
  return count;
}

void check_bytes(const NpyHeader& header, int64_t item, const std::string& place) {
  const auto count = count_of(header.text.shape);
  if (count && static_cast<uint64_t>(*count) * item == header.body.size()) return;
  throw EnvironmentError(concat(place, " is damaged: it holds ", header.body.size(),
                                " bytes of numbers, and its shape ", "says ",
                                count ? std::to_string(*count * item) : "far more"));
}

void append_utf8(uint32_t c, std::string& text) {
  const auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0 | c >> 6), put(0x80 | (c & 63));
  if (c < 0x10000) return put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
}

// '<U5': five characters of 32 bits; 'S5': five bytes. Zeros fill up.
std::vector<std::string> read_texts(const NpyHeader& header, int64_t length, bool wide, const std::string& place) {
  if (header.text.shape.size() != 1) throw EnvironmentError(place + " holds texts in more than one dimension");
  const int64_t item = length * (wide ? 4 : 1);
  check_bytes(header, item, place);
  std::vector<std::string> texts(header.text.shape[0]);
  for (int64_t i = 0; i < std::ssize(texts); ++i) {
    const char* at = header.body.data() + i * item;
    for (int64_t j = 0; j < length; ++j) {
      uint32_t c = static_cast<unsigned char>(at[j]);
      if (wide) std::memcpy(&c, at + 4 * j, 4);
      if (c == 0) break;
      if (c > 0x10FFFF) throw EnvironmentError(place + " is damaged: it holds a character that does not exist");
      append_utf8(c, texts[i]);
    }
  }
  return texts;
}

}  // namespace

std::vector<int64_t> NpyArray::shape() const {
  return is_text() ? std::vector<int64_t>{std::ssize(texts)} : numbers.sizes().vec();
}

std::string NpyArray::type_text() const {
  if (is_text()) return "text";
  for (const NpyType& type : kNpyTypes) {
    if (type.type == numbers.scalar_type()) return std::string(type.name);
  }
  return "numbers";
}

NpyArray parse_npy(std::string_view bytes, const std::string& place) {
  const NpyHeader header = read_header(bytes, place);
  const std::string& descr = header.text.descr;
  const std::string_view code = descr.size() > 1 ? std::string_view(descr).substr(1) : std::string_view(descr);
  if (descr.find('O') != std::string::npos) {
    throw EnvironmentError(place + " holds Python objects, that is a pickle, which may run any program and is not read",
                           "save numbers: numpy.savez(file, x=x.astype('float32'))");
  }
  if (descr.starts_with('>')) {
    throw EnvironmentError(place + " has its bytes in the other order",
                           "save it as x.astype(x.dtype.newbyteorder('<'))");
  }
  int64_t length = 0;
  if (code.starts_with('U') || code.starts_with('S')) {
    const auto [end, error] = std::from_chars(code.data() + 1, code.data() + code.size(), length);
    if (error == std::errc() && end == code.data() + code.size() && length > 0 && length < 4096) {
      return {{}, read_texts(header, length, code.front() == 'U', place)};
    }
  }
  for (const NpyType& type : kNpyTypes) {
    if (type.code != code) continue;
    check_bytes(header, static_cast<int64_t>(c10::elementSize(type.type)), place);
    std::vector<int64_t> shape = header.text.shape;
    if (header.text.fortran_order) std::reverse(shape.begin(), shape.end());
    torch::Tensor numbers = tensor_of_bytes(header.body, shape, type.type);
    if (header.text.fortran_order && shape.size() > 1) {
      std::vector<int64_t> order(shape.size());
      for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(order.size() - 1 - i);
      numbers = numbers.permute(order).contiguous();
    }
    if (type.type == torch::kUInt16) numbers = numbers.to(torch::kInt32);  // LibTorch does little with these two
    if (type.type == torch::kUInt32) numbers = numbers.to(torch::kInt64);
    return {numbers, {}};
  }
  throw EnvironmentError(
      concat(place, " holds '", descr, "', which is no type of numbers that is taken"),
      code == "u8" ? "x.astype('int64')" : "integers, floating-point numbers, booleans and texts are");
}

std::map<std::string, NpyArray> parse_npz(std::string_view bytes, const std::string& place,
                                          const std::vector<std::string>& only) {
  std::map<std::string, NpyArray> arrays;
  for (const ZipMember& member : zip_members(bytes, place)) {
    if (!member.name.ends_with(".npy")) continue;
    const std::string name = member.name.substr(0, member.name.size() - 4);
    if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
    if (arrays.contains(name)) throw EnvironmentError(concat(place, " has two arrays of the name '", name, "'"));
    arrays[name] = parse_npy(unzipped(member, place), concat(place, ", array '", name, "'"));
  }
  return arrays;
}

std::map<std::string, NpyArray> read_array_file(const fs::path& path) {
  if (path.extension() != ".npy") return read_arrays(path);
  return {{path.stem().string(), parse_npy(base::read_file(path, kMaxFileBytes), path.string())}};
}

std::map<std::string, NpyArray> read_arrays(const fs::path& path, const std::vector<std::string>& only) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    const std::string bytes = base::read_file(path, kMaxFileBytes);
    const base::FileKind* kind = base::file_kind(bytes);
    if (!bytes.starts_with("PK") && kind) {
      throw EnvironmentError(concat(path.string(), " is ", kind->name), std::string(kind->cure));
    }
    if (bytes.starts_with(kNpyMagic)) {
      throw EnvironmentError(path.string() + " is one array alone",
                             "name the folder of the .npy files, or an .npz file of several arrays");
    }
    if (!bytes.starts_with("PK")) {
      throw EnvironmentError(path.string() + " is no .npz file", "numpy.savez(file, x=..., y=...) writes one");
    }
    return parse_npz(bytes, path.string(), only);
  }
  std::map<std::string, NpyArray> arrays;
  for (const auto& entry : fs::directory_iterator(path)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".npy") continue;
    if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) continue;
    arrays[name] = parse_npy(base::read_file(entry.path(), kMaxFileBytes), entry.path().string());
  }
  return arrays;
}

}  // namespace optdnn::data
