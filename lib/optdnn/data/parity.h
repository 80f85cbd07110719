// Parity: vertices v of {-1, 1}^d, each coordinate with Gaussian jitter; class 1 if the product of the first `relevant`
// coordinates of v (by default all) is +1, else 0. With all vertices sample i sits at vertex i mod 2^d, whose bit b,
// when set, makes coordinate b +1; otherwise every sample draws its vertex.
#pragma once

#include "optdnn/data/specs.h"
#include "optdnn/data/vector_task.h"

namespace optdnn::data {

class Parity : public VectorTask {
 public:
  Parity(const ParitySpec& spec);

 private:
  void draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
            std::span<float> target) const override;
  int64_t d_, relevant_;
  bool all_vertices_, test_holds_all_;  // every vertex by its number; otherwise vertices are drawn
  double jitter_;
};

}  // namespace optdnn::data
