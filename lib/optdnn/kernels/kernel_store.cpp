#include "optdnn/kernels/kernel_store.h"

#include <charconv>

#include "optdnn/base/files.h"
#include "optdnn/base/text.h"

namespace optdnn::kernels {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kMostBytes = 16 << 20;  // of a file
constexpr std::string_view kBegin = "optdnn kernel 1 ";

// What stands before the first `end`, which are taken off.
std::optional<std::string_view> taken(std::string_view& text, char end) {
  const size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

std::string text_of(const CompiledKernel& kernel) {
  const std::string rest = base::concat(kernel.name.size(), "\n", kernel.name) + kernel.code;
  return base::concat(kBegin, base::sha256_hex(rest), "\n") + rest;
}

std::optional<CompiledKernel> parsed(std::string_view text) {
  if (!text.starts_with(kBegin)) return std::nullopt;
  text.remove_prefix(kBegin.size());
  const auto digest = taken(text, '\n');
  if (!digest || *digest != base::sha256_hex(text)) return std::nullopt;
  const auto length = taken(text, '\n');
  if (!length) return std::nullopt;
  size_t bytes = 0;
  const char* end = length->data() + length->size();
  const auto [read, error] = std::from_chars(length->data(), end, bytes);
  if (error != std::errc() || read != end || bytes > text.size()) return std::nullopt;
  return CompiledKernel{std::string(text.substr(0, bytes)), std::string(text.substr(bytes))};
}

fs::path& chosen_folder() {
  static fs::path folder;
  return folder;
}

}  // namespace

fs::path users_kernel_folder(const std::function<const char*(const char* name)>& variable) {
  const auto folder_in = [&](const char* name) {
    const char* value = variable(name);
    const fs::path path = value ? value : "";
    return path.is_absolute() ? path : fs::path();  // a relative one is to be ignored
  };
  const char* chosen = variable("OPTDNN_KERNELS");
  if (chosen && *chosen) return std::string_view(chosen) == "off" ? fs::path() : fs::absolute(chosen);
  if (const fs::path cache = folder_in("XDG_CACHE_HOME"); !cache.empty()) return cache / "optdnn/kernels";
  const fs::path home = folder_in("HOME");
  return home.empty() ? home : home / ".cache/optdnn/kernels";
}

void keep_kernels_in(const fs::path& folder) { chosen_folder() = folder; }
const fs::path& kernel_folder() { return chosen_folder(); }

fs::path KernelStore::file_of(std::string_view made_from) const { return folder_ / base::sha256_hex(made_from); }

std::optional<CompiledKernel> KernelStore::find(std::string_view made_from) const {
  if (folder_.empty()) return std::nullopt;
  try {
    return parsed(base::read_file(file_of(made_from), kMostBytes));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void KernelStore::keep(std::string_view made_from, const CompiledKernel& kernel) const {
  if (folder_.empty()) return;
  try {
    base::make_folders(folder_);
    base::write_file_atomically(file_of(made_from), text_of(kernel));
  } catch (const std::exception&) {  // it is compiled again the next time
  }
}

}  // namespace optdnn::kernels
