// Files that an option names for writing: what something else wrote is not lost to a name typed in haste.
#pragma once

#include <filesystem>
#include <string_view>

namespace optdnn::app {

// What every file of a kind has at its beginning; `or_bytes`, as long, is another such beginning.
struct Beginning {
  size_t offset;
  std::string_view bytes, or_bytes = bytes;
};
inline constexpr Beginning kSafetensors{8, "{"};
inline constexpr Beginning kPython{0, R"("""A network trained by optdnn: )"};
inline constexpr Beginning kOnnx{0, "\x08"};  // field 1, the version of its format
inline constexpr Beginning kSvg{0, "<svg"};
inline constexpr Beginning kNpz{30, "outputs", "feature"};  // the name of its first array
inline constexpr Beginning kPredictions{0, "sample,"};

// Errors: ConfigError if `file` lies in the checkpoints/ of a run, or there is a file that begins otherwise. An empty
// one holds nothing.
void check_output_file(std::string_view option, const std::filesystem::path& file, const Beginning& kind);

}  // namespace optdnn::app
