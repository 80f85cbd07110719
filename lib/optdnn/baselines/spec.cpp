#include "optdnn/baselines/spec.h"

namespace optdnn::baselines {

const base::NameTable<Shortcut>& enum_names(Shortcut) {
  static const base::NameTable<Shortcut> table("shortcuts", {
                                                                {"a", "subsampling and zero channels", Shortcut::a},
                                                                {"b", "a strided 1x1 convolution", Shortcut::b},
                                                            });
  return table;
}

const base::NameTable<BlockOrder>& enum_names(BlockOrder) {
  static const base::NameTable<BlockOrder> table("orders",
                                                 {
                                                     {"post", "convolution, norm, activation", BlockOrder::post},
                                                     {"pre", "norm, activation, convolution", BlockOrder::pre},
                                                 });
  return table;
}

const base::NameTable<Splitting>& enum_names(Splitting) {
  static const base::NameTable<Splitting> table(
      "splittings",
      {
          {"peaceman_rachford", "reflected resolvents, one linear solve by FFT a step", Splitting::peaceman_rachford},
          {"forward_backward", "z <- relu(z - alpha (z - W z - U x - b))", Splitting::forward_backward},
      });
  return table;
}

}  // namespace optdnn::baselines
