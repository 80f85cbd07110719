#include "optdnn/models/timm_names.h"

#include <algorithm>
#include <regex>

namespace optdnn::models {

namespace {

using Renamings = std::vector<std::pair<std::regex, std::string>>;

const Renamings& convnext_names() {
  static const Renamings table = {
      {std::regex(R"(^stem\.conv\.)"), "stem.0."},
      {std::regex(R"(^stem\.norm\.)"), "stem.1."},
      {std::regex(R"(^stage_(\d+)\.T\.(\d+)\.)"), "stages.$1.blocks.$2."},
      {std::regex(R"(^transition_(\d+)\.norm\.)"), "stages.$1.downsample.0."},
      {std::regex(R"(^transition_(\d+)\.conv\.)"), "stages.$1.downsample.1."},
      {std::regex(R"(^head\.linear\.)"), "head.fc."},
  };
  return table;
}

const Renamings& vit_names() {
  static const Renamings table = {
      {std::regex(R"(^stem\.conv\.)"), "patch_embed.proj."}, {std::regex(R"(^stem\.(cls_token|pos_embed)$)"), "$1"},
      {std::regex(R"(^stage_0\.T\.(\d+)\.)"), "blocks.$1."}, {std::regex(R"(^head\.norm\.)"), "norm."},
      {std::regex(R"(^head\.linear\.)"), "head."},
  };
  return table;
}

std::string renamed(const std::string& name, const Renamings& table) {
  for (const auto& [pattern, replacement] : table) {
    if (std::regex_search(name, pattern)) return std::regex_replace(name, pattern, replacement);
  }
  return name;
}

}  // namespace

std::map<std::string, std::string> timm_names(const std::vector<std::string>& ours) {
  const bool vit = std::find(ours.begin(), ours.end(), "stem.cls_token") != ours.end();
  std::map<std::string, std::string> names;
  for (const std::string& name : ours) names[name] = renamed(name, vit ? vit_names() : convnext_names());
  return names;
}

}  // namespace optdnn::models
