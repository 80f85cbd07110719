// One header of a tar archive, and the records before it that say more than fits into one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace optdnn::photos {

constexpr uint64_t kTarBlock = 512;

// What records of types L, K and x say of the member behind them.
struct TarRecords {
  std::string path, link;
  std::optional<uint64_t> bytes;
  bool sparse = false;  // the data are pieces of the file and a map of them

  // Lines "<length> <key>=<value>\n", the length that of the whole line. Returns whether they are that.
  bool read_pax(std::string_view text);
};

class TarHeader {
 public:
  explicit TarHeader(std::string_view block) : block_(block) {}

  bool has_sound_sum() const;
  char type() const { return block_[156]; }
  // Nothing if it is no number.
  std::optional<uint64_t> bytes() const;
  std::string path() const;
  std::string link() const;
  // Old GNU sparse files: whether blocks with more of the map follow.
  bool map_goes_on() const { return block_[482] != '\0'; }

 private:
  std::string_view text(size_t offset, size_t length) const;

  std::string_view block_;
};

}  // namespace optdnn::photos
