// The calls of a step in an order in which they can be evaluated: y = C s + D u, u_i = T_i(y_i). A call whose argument
// does not depend on its own result is a group of its own. Calls that wait for each other (a strongly connected part of
// D, or one call that waits for itself) are one group, whose results are the solution of one fixed point.
#pragma once

#include "optdnn/algorithms/tableau.h"

namespace optdnn::algorithms {

struct CallGroup {
  std::vector<int> calls;  // ascending
  bool implicit = false;
};

// Later groups depend on earlier ones only. An explicit step is its calls one by one, in their order.
std::vector<CallGroup> call_groups(const Tableau& tableau);

}  // namespace optdnn::algorithms
