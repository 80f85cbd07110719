// Any bytes as a tar archive: refused as one, or members that lie inside it, by names that lead nowhere else.
#include <cstdint>
#include <cstdlib>

#include "optdnn/base/errors.h"
#include "optdnn/photos/tar_index.h"

using namespace optdnn::photos;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto read = [&](uint64_t offset, uint64_t count) {
    return offset < size ? bytes.substr(offset, count) : std::string();
  };
  try {
    for (const TarMember& member : index_tar(read, size, "fuzz")) {
      if (member.path.empty() || inner_path(member.path) != member.path || member.offset > size ||
          member.bytes > size - member.offset)
        std::abort();
    }
  } catch (const optdnn::base::EnvironmentError&) {
  }
  return 0;
}
