#include "optdnn/data/dataset.h"

namespace optdnn::data {

const base::NameTable<Split>& enum_names(Split) {
  static const base::NameTable<Split> table("splits", {{"train", "what weights are trained on", Split::train},
                                                       {"valid", "what values are chosen on", Split::valid},
                                                       {"test", "what is reported", Split::test}});
  return table;
}

}  // namespace optdnn::data
