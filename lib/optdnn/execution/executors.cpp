// The table of executors: the fastest first.
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

}  // namespace optdnn::execution
