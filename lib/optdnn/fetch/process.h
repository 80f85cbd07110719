// Runs another program (npm, apt-get) without a shell.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace optdnn::fetch {

// A folder made empty, whatever an interrupted run left there, and removed with all it holds at the end.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& path);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Runs `command` (found along PATH) in `folder` and waits for it; what it prints goes to a file there.
// Errors: EnvironmentError with `install` as hint if there is no such program; with the end of what it printed if it
// fails.
void run_program(const std::vector<std::string>& command, const std::filesystem::path& folder,
                 const std::string& install);

}  // namespace optdnn::fetch
