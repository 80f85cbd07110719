// Any bytes as a safetensors file: refused as one, or read, and then written and read again as the same.
#include <cstdlib>

#include "optdnn/base/errors.h"
#include "optdnn/training/safetensors.h"

using namespace optdnn::training;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Safetensors content;
  try {
    content = decode_safetensors({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const optdnn::base::EnvironmentError&) {
    return 0;
  }
  const std::string bytes = encode_safetensors(content);
  if (encode_safetensors(decode_safetensors(bytes, "again")) != bytes) std::abort();
  return 0;
}
