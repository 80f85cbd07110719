// What the modules of plain convolutions have in common.
#pragma once

#include "optdnn/config/fields.h"
#include "optdnn/modules/count.h"
#include "optdnn/modules/module.h"
#include "optdnn/modules/sharing.h"
#include "optdnn/modules/traits.h"

namespace optdnn::modules {

struct ConvolutionalSpec {
  Activation activation = Activation::relu;
  NormKind norm = NormKind::batch;
  Sharing sharing = Sharing::per_step;

  template <class Fields>
  void fields(Fields& f) {
    f("activation", activation, "s");
    f("norm", norm, "normalisation before (preact) or after (postact) each convolution");
    f("sharing", sharing, "weights per step, or one set for all steps of a stage");
  }
  Traits traits() const { return {.couples_samples = norm == NormKind::batch, .takes_padding = is_by_channel(norm)}; }
  void check(int64_t /*width*/) const {}
};

}  // namespace optdnn::modules
