// A plan's steps as a tape, for stages that do not go through them one by one.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "optdnn/models/linear_combination.h"
#include "optdnn/models/plan.h"
#include "optdnn/kernels/tape.h"

namespace optdnn::models {

using kernels::Tape;
using kernels::TapeOperation;
using kernels::TapeTerm;

// A stacked state; a tensor that is not defined is zero.
using State = std::vector<torch::Tensor>;

// What a coefficient is at present.
using ValueOf = std::function<torch::Tensor(const algorithms::Leaf&)>;

struct StageTape {
  Tape tape;
  std::vector<int> inputs, outputs;         // per state its value before and after the steps, or -1 where it is zero;
                                            // before the plan's first step states that start alike are one value
  std::vector<algorithms::Scalar> learned;  // the weights that hold coefficients

  std::vector<torch::Tensor> given(const State& state) const;  // the tape's inputs
  State after(const std::vector<torch::Tensor>& values) const;
};

// Steps [first, first + count) of an explicit rule's plan; module_of numbers the calls' modules. Nothing where it
// answers -1.
using NumberOf = std::function<int(const PlannedCall&, int k)>;
std::optional<StageTape> write_tape(const Plan& plan, int first, int count, const NumberOf& module_of);

// The values of these numbers.
std::vector<torch::Tensor> pick(const std::vector<torch::Tensor>& values, const std::vector<int>& wanted);

// One combination by LibTorch's operators; zero without terms. Requires a value.
torch::Tensor combine(const std::vector<TapeTerm>& terms, const std::vector<torch::Tensor>& values,
                      at::TensorList learned);

}  // namespace optdnn::models
