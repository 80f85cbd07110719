// Texts compared with files under tests/golden/algorithms. OPTDNN_UPDATE_GOLDEN=1 writes them anew.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "optdnn/base/files.h"
#include "support/catch.h"

namespace optdnn::algorithms {

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(OPTDNN_SOURCE_DIR) / "tests/golden/algorithms";
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void check_golden(const std::filesystem::path& path, const std::string& text) {
  if (std::getenv("OPTDNN_UPDATE_GOLDEN")) base::write_file_atomically(path, text);
  INFO(path.string());
  CHECK(text == read_text(path));
}

}  // namespace optdnn::algorithms
