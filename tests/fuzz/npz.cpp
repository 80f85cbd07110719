// Any bytes as an .npz file and as an .npy file: refused as one, or read.
#include "optdnn/base/errors.h"
#include "optdnn/data/npy.h"

using namespace optdnn;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    data::parse_npz(bytes, "fuzz");
  } catch (const base::EnvironmentError&) {
  }
  try {
    data::parse_npy(bytes, "fuzz");
  } catch (const base::EnvironmentError&) {
  }
  return 0;
}
