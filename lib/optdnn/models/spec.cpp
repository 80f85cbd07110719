#include "optdnn/models/spec.h"

namespace optdnn::models {

const base::NameTable<StateAcross>& enum_names(StateAcross) {
  static const base::NameTable<StateAcross> table(
      "states",
      {
          {"restart", "the rule begins anew, k = 0, at the stage's input", StateAcross::restart},
          {"carry", "k goes on and every block of the state is mapped by the same linear map", StateAcross::carry},
      });
  return table;
}

}  // namespace optdnn::models
