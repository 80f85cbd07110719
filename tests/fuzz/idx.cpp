// Any bytes as an idx file, gzipped or not, of images (2 x 4 x 3) and of labels (5): refused, or read.
#include "optdnn/data/idx.h"

#include <cstdlib>

#include "optdnn/base/errors.h"

using namespace optdnn;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const std::vector<int64_t>& dimensions : {std::vector<int64_t>{2, 4, 3}, std::vector<int64_t>{5}}) {
    try {
      const std::string bytes = data::gunzip({reinterpret_cast<const char*>(data), size}, 4096, "fuzz");
      if (data::parse_idx(bytes, dimensions, "fuzz").sizes() != dimensions) std::abort();
    } catch (const base::EnvironmentError&) {
    }
  }
  return 0;
}
