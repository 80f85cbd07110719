// The table of executors: the fastest first.
#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"
#include "optdnn/execution/executor.h"

namespace optdnn::execution {

const std::vector<ExecutorEntry>& executors() {
  static const std::vector<ExecutorEntry> table = {
      {"whole", "all steps of small dense_two_layer modules as one node", make_whole},
      {"fused", "a node per linear combination, with the norms that begin modules", make_fused},
      {"operators", "LibTorch's operators one by one: any device, any derivative", make_operators},
  };
  return table;
}

void check_executor(std::string_view name) {
  std::vector<std::string> names;
  for (const ExecutorEntry& entry : executors()) names.emplace_back(entry.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  throw base::ConfigError(base::concat("unknown executor '", name, "'"), base::suggestion(name, names, "executors"));
}

}  // namespace optdnn::execution
