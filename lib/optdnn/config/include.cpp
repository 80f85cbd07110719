#include "optdnn/config/include.h"

#include <algorithm>
#include <filesystem>

#include "optdnn/base/errors.h"
#include "optdnn/config/merge.h"
#include "optdnn/config/read.h"

namespace optdnn::config {

namespace {

std::filesystem::path identity(const std::filesystem::path& path) {
  std::error_code failure;
  const auto canonical = std::filesystem::weakly_canonical(path, failure);
  return failure ? path.lexically_normal() : canonical;
}

Node include_base(const Node& file, std::vector<std::filesystem::path> chain, const Displaced& displaced,
                  base::Diagnostics& diagnostics) {
  const Node* include = file.find("include");
  const Node own = include ? without_keys(file, {"include"}) : file;
  if (!include || include->is_null()) return own;
  if (!include->is_scalar() || include->text().empty()) {
    diagnostics.error(include->span(), "'include' must be the name of one file", "for instance include: base.yaml");
    return own;
  }
  const auto& source = include->span().source;
  const auto path =
      (std::filesystem::path(source ? source->name : "").parent_path() / include->text()).lexically_normal();
  if (std::find(chain.begin(), chain.end(), identity(path)) != chain.end()) {
    diagnostics.error(include->span(), "this file is included by itself", "remove one include of the circle");
    return own;
  }
  chain.push_back(identity(path));
  Node base;
  try {
    base = read_yaml_file(path, diagnostics);
  } catch (const base::Error& error) {
    diagnostics.error(include->span(), error.what(), error.hint());
  }
  if (base.is_null()) return own;
  if (!base.is_map()) {
    diagnostics.error(base.span(), "an included file must be a map of keys");
    return own;
  }
  return merge(include_base(base, std::move(chain), displaced, diagnostics), own, displaced);
}

}  // namespace

Node with_include(const Node& file, const Displaced& displaced, base::Diagnostics& diagnostics) {
  const auto& source = file.span().source;
  return include_base(file, {identity(source ? source->name : "")}, displaced, diagnostics);
}

}  // namespace optdnn::config
