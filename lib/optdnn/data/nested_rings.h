// Nested rings: ring j = 1 ... n holds the points r (cos a, sin a) with a uniform on [0, 2 pi), r = 3 (0.5 j + 0.2 u),
// u uniform on [0, 1]; so ring 1 lies between the radii 1.5 and 2.1, ring 2 between 3.0 and 3.6. Classes alternate
// 0, 1, 0, 1. Sample i lies on ring i mod n + 1.
// Source: Sander, Ablin, Blondel, Peyre, "Momentum residual neural networks", ICML 2021.
#pragma once

#include "optdnn/data/specs.h"
#include "optdnn/data/vector_task.h"

namespace optdnn::data {

class NestedRings : public VectorTask {
 public:
  NestedRings(const NestedRingsSpec& spec);

 private:
  void draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
            std::span<float> target) const override;
  int64_t rings_;
  double noise_;
};

}  // namespace optdnn::data
