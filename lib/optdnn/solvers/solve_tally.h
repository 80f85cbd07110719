// What the solves of a network took, summed on their device and read when a record is written; of several runs that
// train as one network (packing.h) for each of them.
#pragma once

#include <torch/torch.h>

#include <map>

#include "optdnn/solvers/solve.h"

namespace optdnn::solvers {

struct SolveNumbers {
  double solves = 0;                // samples times solves, forward
  double steps = 0, residual = 0;   // means over them; the residual over those that are finite
  double failed = 0;                // solves that did not converge, forward
  double failed_back = 0;           // and backward
  std::map<int64_t, double> curve;  // mean residual after so many evaluations; one that stopped before keeps its last
};

class SolveTally {
 public:
  void add(const Solution& solution, int64_t runs);
  void add_adjoint(const Solution& solution, int64_t runs);
  // Of one run, since it was last read.
  SolveNumbers take(int64_t run = 0);

  // What take(run) would read, for a checkpoint or another process, and back: a key and its sums in each row. Rows of
  // several tallies may follow each other; those of one key are added. Shapes: M x kPacked, float64 on the CPU.
  // `device`: that of the solves to come.
  static constexpr int64_t kPacked = 7;
  torch::Tensor packed(int64_t run) const;
  void unpack(const torch::Tensor& packed, int64_t run, int64_t runs, const torch::Device& device);

 private:
  void add(const std::vector<torch::Tensor>& per_sample, int64_t runs);

  torch::Tensor sums_;  // samples, steps, residuals, finite residuals, failed, failed back; by run
  std::map<int64_t, torch::Tensor>
      curve_;  // by evaluations: samples that are finite there, and their residuals; by run
};

}  // namespace optdnn::solvers
