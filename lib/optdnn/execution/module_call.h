// What all executors do with a program's modules and fixed points, which are LibTorch's in any case.
#pragma once

#include "optdnn/execution/executor.h"

namespace optdnn::execution {

// The result of module `number` of the program; with `recompute` it is run again in the backward pass.
torch::Tensor call_module(const Program& program, const Bindings& bindings, int number, const torch::Tensor& argument);

// The results of a group of unknowns. `solution` is where the solve begins if the solver starts warm, and receives the
// solution that was found.
variable_list solve_group(const Program& program, const Bindings& bindings, const Solve& solve,
                          const variable_list& values, at::TensorList learned, torch::Tensor& solution);

// The latest solution of each group of a step.
class Solutions {
 public:
  torch::Tensor& of(const Solve& solve) {
    if (std::ssize(latest_) <= solve.group) latest_.resize(solve.group + 1);
    return latest_[solve.group];
  }

 private:
  variable_list latest_;
};

}  // namespace optdnn::execution
