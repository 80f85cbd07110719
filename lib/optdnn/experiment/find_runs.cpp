#include "optdnn/experiment/find_runs.h"

#include <algorithm>
#include <cctype>

#include "optdnn/base/errors.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"

namespace optdnn::experiment {

namespace fs = std::filesystem;

namespace {

// One that may not be looked into is none.
bool is_run(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "resolved.yaml", ignored) || fs::exists(folder / "status.json", ignored);
}

void collect(const fs::path& folder, std::vector<fs::path>& runs) {
  if (is_run(folder)) return runs.push_back(folder);
  std::error_code error, ignored;  // a folder that goes away meanwhile has no runs
  const fs::directory_iterator entries(folder, error);
  if (error == std::errc::permission_denied)
    base::log_warning(base::concat(folder.string(), " may not be looked into, and is left out"));
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory(ignored) && !name.starts_with('.') && name != "search") collect(entry.path(), runs);
  }
}

// Whether a comes before b, digits being read as numbers.
bool comes_before(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      size_t i_end = i, j_end = j;
      while (i_end < a.size() && digit(a[i_end])) ++i_end;
      while (j_end < b.size() && digit(b[j_end])) ++j_end;
      const std::string_view x = std::string_view(a).substr(i, i_end - i), y = std::string_view(b).substr(j, j_end - j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      i = i_end;
      j = j_end;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

}  // namespace

std::vector<fs::path> find_runs(const std::vector<fs::path>& folders) {
  std::vector<fs::path> runs;
  for (const fs::path& folder : folders) {
    if (!fs::is_directory(folder)) throw base::EnvironmentError(base::concat("no such folder: ", folder.string()));
    std::vector<fs::path> below;
    collect(folder.lexically_normal(), below);
    std::sort(below.begin(), below.end(),
              [](const fs::path& a, const fs::path& b) { return comes_before(a.string(), b.string()); });
    runs.insert(runs.end(), below.begin(), below.end());
  }
  return runs;
}

}  // namespace optdnn::experiment
