// Any bytes as a JPEG or PNG: refused as one, or decoded in memory that its size bounds.
#include <cstdint>

#include "optdnn/base/errors.h"
#include "optdnn/photos/photo_reader.h"

using namespace optdnn::photos;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    PhotoReader reader(bytes, "fuzz");
    const int64_t width = reader.width(), height = reader.height();
    reader.read({width / 3, height / 3, width - width / 3, height - height / 3}, 8, 8, {0, 0, 8, 8}, size % 2 == 0);
  } catch (const optdnn::base::EnvironmentError&) {
  }
  return 0;
}
