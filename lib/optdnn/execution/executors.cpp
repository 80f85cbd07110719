// The table of executors: the fastest first.
#include "optdnn/base/errors.h"
#include "optdnn/execution/executor.h"

namespace optdnn::execution {

const base::NameTable<MakeExecutor>& executors() {
  static const base::NameTable<MakeExecutor> table(
      "executors", {
                       {"whole", "all steps of small dense_two_layer modules as one node", make_whole},
                       {"fused", "a node per linear combination, with the norms that begin modules", make_fused},
                       {"operators", "LibTorch's operators one by one: any device, any derivative", make_operators},
                   });
  return table;
}

void check_executor(std::string_view name) {
  if (executors().find(name)) return;
  throw base::ConfigError(base::concat("unknown executor '", name, "'"), executors().hint(name));
}

}  // namespace optdnn::execution
