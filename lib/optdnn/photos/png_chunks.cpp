#include "optdnn/photos/png_chunks.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace optdnn::photos {

namespace {

constexpr size_t kSignature = 8, kAroundData = 12;

bool is_kept(std::string_view type) { return type == "IHDR" || type == "PLTE" || type == "IDAT" || type == "IEND"; }

}  // namespace

PngPixelChunks::PngPixelChunks(std::string_view bytes)
    : rest_(bytes.substr(std::min(bytes.size(), kSignature))), piece_(bytes.substr(0, kSignature)) {}

bool PngPixelChunks::next_chunk() {
  while (rest_.size() >= kAroundData) {
    uint64_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(rest_[i]);
    const bool kept = is_kept(rest_.substr(4, 4));
    // The last chunk of a file that is cut off is handed on as far as it goes, so that the decoder finds it so.
    const size_t size = std::min<uint64_t>(length + kAroundData, rest_.size());
    piece_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
    if (kept) return true;
  }
  return false;
}

bool PngPixelChunks::read(void* to, size_t count) {
  for (char* at = static_cast<char*>(to); count > 0;) {
    if (piece_.empty() && !next_chunk()) return false;
    const size_t taken = std::min(count, piece_.size());
    std::memcpy(at, piece_.data(), taken);
    piece_.remove_prefix(taken);
    at += taken;
    count -= taken;
  }
  return true;
}

}  // namespace optdnn::photos
