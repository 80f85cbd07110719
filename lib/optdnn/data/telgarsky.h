// Telgarsky's function: the tent map t(x) = 2x for x <= 1/2, 2(1 - x) above, composed k times on [0, 1]. It has 2^k
// linear pieces, so depth k makes it with two units a layer while a shallow network needs exponentially many.
// Training points are uniform on [0, 1]; the test set is the grid (i + 1/2)/n, on which the best constant 1/2 has mean
// squared error 1/12 and mean absolute error 1/4.
// Source: Telgarsky, "Benefits of depth in neural networks", COLT 2016.
#pragma once

#include "optdnn/data/specs.h"
#include "optdnn/data/vector_task.h"

namespace optdnn::data {

// Exact for a float x and k <= 29: every step is exact in double.
double composed_tent_map(double x, int64_t k);

class Telgarsky : public VectorTask {
 public:
  Telgarsky(const TelgarskySpec& spec);

 private:
  void draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
            std::span<float> target) const override;
  int64_t k_;
};

}  // namespace optdnn::data
