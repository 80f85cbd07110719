// A file that grows at its end and is now and then replaced as a whole.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace optdnn::metrics {

class AppendFile {
 public:
  explicit AppendFile(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::string content() const;           // empty if there is no such file
  void replace(std::string_view bytes);  // atomically
  void append(std::string_view bytes);   // flushed. Errors: EnvironmentError

 private:
  std::filesystem::path path_;
  std::ofstream out_;
};

}  // namespace optdnn::metrics
