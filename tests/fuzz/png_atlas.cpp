// Any bytes as a CIFAR atlas of one row, and as a list of labels: refused, or read.
#include "optdnn/fetch/png_atlas.h"

#include <cstdlib>

#include "optdnn/base/errors.h"

using namespace optdnn;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    if (fetch::decode_atlas(bytes, 1, "fuzz").size() != 3 * 1024) std::abort();
  } catch (const base::EnvironmentError&) {
  }
  try {
    for (const uint8_t label : fetch::parse_labels(bytes, 3, 10, "fuzz")) {
      if (label > 9) std::abort();
    }
  } catch (const base::EnvironmentError&) {
  }
  return 0;
}
