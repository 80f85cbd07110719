#include "optdnn/experiment/earlier_runs.h"

#include "optdnn/config/merge.h"
#include "optdnn/config/read.h"

namespace optdnn::experiment {

namespace {

struct EarlierValue {
  std::string_view path, value;
};
constexpr EarlierValue kEarlierValues[] = {
    {"train.convolutions", "exact"},  // until 0.1.0 all were LibTorch's
};

}  // namespace

config::Node read_resolved(const std::filesystem::path& file, base::Diagnostics& diagnostics) {
  config::Node node = config::read_yaml_file(file, diagnostics);
  if (!node.is_map()) return node;
  for (const auto& [path, value] : kEarlierValues) {
    if (!node.find_path(path))
      node = config::set_path(node, path, {}, config::Node::scalar(std::string(value)), diagnostics);
  }
  return node;
}

}  // namespace optdnn::experiment
