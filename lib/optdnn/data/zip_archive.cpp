#include "optdnn/data/zip_archive.h"

#include <zlib.h>

#include <memory>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

using base::concat;
using base::EnvironmentError;

namespace {

// Deflate packs 1032 to 1 at most; what claims more is no honest file.
constexpr uint64_t kMostPacked = 1100;
constexpr uint64_t kIn64 = 0xFFFFFFFF;  // a size that stands in the zip64 field
constexpr size_t kEndBytes = 22, kEnd64Bytes = 56, kLocator64Bytes = 20, kMemberBytes = 46, kLocalBytes = 30;

class ZipReader {
 public:
  ZipReader(std::string_view bytes, const std::string& place) : bytes_(bytes), place_(place) {}

  std::vector<ZipMember> members() const {
    const size_t end = find_end();
    uint64_t count = number(end + 10, 2), at = number(end + 16, 4);
    if ((count == 0xFFFF || at == kIn64) && end >= kLocator64Bytes && is_mark(end - kLocator64Bytes, "PK\6\7")) {
      const uint64_t end64 = number(end - kLocator64Bytes + 8, 8);
      want(has(end64, kEnd64Bytes) && is_mark(end64, "PK\6\6"), "its zip64 directory is not where it should be");
      count = number(end64 + 32, 8);
      at = number(end64 + 48, 8);
    }
    want(count <= bytes_.size() / kMemberBytes, "it is shorter than its directory");
    std::vector<ZipMember> members;
    for (uint64_t i = 0; i < count; ++i) members.push_back(member(at));
    return members;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw EnvironmentError(concat(place_, " is damaged: ", what), "save it again with numpy.savez");
  }
  void want(bool holds, const std::string& what) const {
    if (!holds) fail(what);
  }
  bool has(uint64_t at, uint64_t count) const { return at <= bytes_.size() && count <= bytes_.size() - at; }
  bool is_mark(uint64_t at, std::string_view mark) const { return bytes_.substr(at, mark.size()) == mark; }

  // Little-endian. Requires: it lies within the archive.
  uint64_t number(uint64_t at, int count) const { return number_in(bytes_, at, count); }
  static uint64_t number_in(std::string_view bytes, uint64_t at, int count) {
    uint64_t value = 0;
    for (int i = count - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
  }

  // A comment of up to 64 KiB may follow the record.
  size_t find_end() const {
    const size_t last = bytes_.size() < kEndBytes ? std::string_view::npos : bytes_.size() - kEndBytes;
    const size_t found = last == std::string_view::npos ? last : bytes_.rfind("PK\5\6", last);
    want(found != std::string_view::npos, "a zip archive's directory is missing; it may have been cut off");
    return found;
  }

  // Reads the entry at `at` and goes on to the next.
  ZipMember member(uint64_t& at) const {
    want(has(at, kMemberBytes) && is_mark(at, "PK\1\2"), "its directory does not name its members");
    const uint64_t flags = number(at + 8, 2), method = number(at + 10, 2);
    uint64_t packed = number(at + 20, 4), whole = number(at + 24, 4), local = number(at + 42, 4);
    const uint64_t name = number(at + 28, 2), extra = number(at + 30, 2), comment = number(at + 32, 2);
    want(has(at + kMemberBytes, name + extra + comment), "its directory is cut off");
    ZipMember found;
    found.name = bytes_.substr(at + kMemberBytes, name);
    found.crc = static_cast<uint32_t>(number(at + 16, 4));
    read_sizes64(bytes_.substr(at + kMemberBytes + name, extra), {&whole, &packed, &local});
    at += kMemberBytes + name + extra + comment;

    const std::string which = concat("its member '", found.name, "' ");
    want((flags & 1) == 0, which + "is encrypted");
    want(method == 0 || method == 8, which + "is packed in a way other than numpy's");
    want(has(local, kLocalBytes) && is_mark(local, "PK\3\4"), which + "is not where it should be");
    const uint64_t begin = local + kLocalBytes + number(local + 26, 2) + number(local + 28, 2);
    want(has(begin, packed), which + "is cut off");
    found.stored = bytes_.substr(begin, packed);
    found.deflated = method == 8;
    found.bytes = whole;
    want(found.deflated ? whole / kMostPacked <= packed : whole == packed, which + "cannot be as large as it says");
    return found;
  }

  // Sizes too large for the entry stand in its extra field 1, in this order.
  void read_sizes64(std::string_view extra, std::vector<uint64_t*> sizes) const {
    while (extra.size() >= 4) {
      const uint64_t kind = number_in(extra, 0, 2), count = number_in(extra, 2, 2);
      if (count > extra.size() - 4) return;
      std::string_view field = extra.substr(4, count);
      for (uint64_t* size : sizes) {
        if (kind != 1 || *size != kIn64 || field.size() < 8) continue;
        *size = number_in(field, 0, 8);
        field.remove_prefix(8);
      }
      extra.remove_prefix(4 + count);
    }
  }

  std::string_view bytes_;
  const std::string& place_;
};

}  // namespace

std::vector<ZipMember> zip_members(std::string_view bytes, const std::string& place) {
  return ZipReader(bytes, place).members();
}

std::string unzipped(const ZipMember& member, const std::string& place) {
  const auto fail = [&](const std::string& what) {
    throw EnvironmentError(concat(place, " is damaged: its member '", member.name, "' ", what),
                           "save it again with numpy.savez");
  };
  std::string bytes(member.deflated ? member.bytes : 0, '\0');
  if (member.deflated) {
    z_stream stream{};
    if (inflateInit2(&stream, -15) != Z_OK) throw std::bad_alloc();  // -15: raw deflate
    const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
    constexpr uint64_t kPiece = 1 << 30;  // zlib counts in 32 bits
    std::string_view in = member.stored;
    uint64_t written = 0;
    int status = Z_OK;
    while (status == Z_OK) {
      const auto give = static_cast<uInt>(std::min<uint64_t>(in.size(), kPiece));
      const auto room = static_cast<uInt>(std::min<uint64_t>(bytes.size() - written, kPiece));
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
      stream.avail_in = give;
      stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + written);
      stream.avail_out = room;
      status = inflate(&stream, Z_NO_FLUSH);
      in.remove_prefix(give - stream.avail_in);
      written += room - stream.avail_out;
      if (status == Z_OK && give == stream.avail_in && room == stream.avail_out) break;
    }
    if (status != Z_STREAM_END || written != bytes.size()) fail("does not unpack to the size it says");
  } else {
    bytes = member.stored;
  }
  uLong crc = crc32_z(0, nullptr, 0);
  crc = crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  if (static_cast<uint32_t>(crc) != member.crc) fail("is not what its checksum is of");
  return bytes;
}

}  // namespace optdnn::data
