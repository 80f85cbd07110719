// Any bytes as a PNG, read in pieces of any length and decoded: what is handed on are stretches of the file in its
// order, and an image is decoded or refused. The first byte is the length of the pieces.
#include "optdnn/photos/png_chunks.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "optdnn/base/errors.h"
#include "optdnn/photos/png.h"

using namespace optdnn::photos;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  PngPixelChunks chunks(bytes);
  std::string piece(1 + data[0] % 64, '\0');
  size_t read = 0;
  while (chunks.read(piece.data(), piece.size())) read += piece.size();
  if (read > bytes.size()) std::abort();
  try {
    if (is_png(bytes)) decode_png(bytes, "fuzz");
  } catch (const optdnn::base::EnvironmentError&) {
  }
  return 0;
}
