// Strict YAML: block and flow maps and lists, plain, quoted and block scalars, anchors and aliases. Refused, each with
// its place: duplicate keys, `<<`, tags, keys that are no text, null values, tabs, control characters, text that is not
// UTF-8, several documents, an empty file, aliases that loop, trees that are too deep or too large.
#pragma once

#include <filesystem>
#include <memory>

#include "optdnn/base/diagnostics.h"
#include "optdnn/config/node.h"

namespace optdnn::config {

inline constexpr size_t kMaxFileBytes = 1 << 20;

// Returns the tree of source->text from byte `begin` on, or null if there is none to speak of. Mistakes go to
// `diagnostics`; after one that leaves the structure clear the tree is returned all the same, so that later checks
// report theirs too.
Node read_yaml(std::shared_ptr<const base::SourceText> source, base::Diagnostics& diagnostics, size_t begin = 0);

// Errors: ConfigError if there is no such file (naming a similar one), it is a folder, or larger than kMaxFileBytes.
Node read_yaml_file(const std::filesystem::path& path, base::Diagnostics& diagnostics);

}  // namespace optdnn::config
