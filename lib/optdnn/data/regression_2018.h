// The regression of the 2018 paper: pairs (x, y) of independent N(0, I) vectors in R^d, so that there is nothing to
// learn beyond the pairs themselves; a network's mean squared error on them says how much of 1 it can explain.
// Source: Li, Yang, Chen, Lin, "Optimization algorithm inspired deep neural network structure design", ACML 2018.
#pragma once

#include "optdnn/data/specs.h"
#include "optdnn/data/vector_task.h"

namespace optdnn::data {

class Regression2018 : public VectorTask {
 public:
  Regression2018(const Regression2018Spec& spec);

 private:
  void draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
            std::span<float> target) const override;
};

}  // namespace optdnn::data
