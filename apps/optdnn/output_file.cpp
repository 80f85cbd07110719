#include "output_file.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::app {

void check_output_file(std::string_view option, const std::filesystem::path& file, const Beginning& kind) {
  const std::string named = base::concat(option, " ", file.string());
  if (std::filesystem::absolute(file).parent_path().filename() == "checkpoints") {
    throw base::ConfigError(named + ": the weights of a run lie there", "another folder");
  }
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return;
  std::ifstream there(file, std::ios::binary);
  std::string begin(kind.offset + kind.bytes.size(), '\0');
  there.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  begin.resize(static_cast<size_t>(there.gcount()));
  const std::string_view found = std::string_view(begin).substr(std::min(kind.offset, begin.size()));
  if (begin.empty() || found == kind.bytes || found == kind.or_bytes) return;
  throw base::ConfigError(named + ": there is a file of another kind, which would be lost",
                          "another name, or remove that file");
}

}  // namespace optdnn::app
