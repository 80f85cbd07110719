// Maps with known fixed points, and one spec per solver.
#pragma once

#include "optdnn/base/random.h"
#include "optdnn/solvers/solve.h"
#include "support/catch.h"

namespace optdnn::tests {

// One default spec per alternative, so that a new solver is tested by being listed.
inline std::vector<solvers::SolverSpec> every_solver(int64_t steps = 200, double tolerance = 1e-13) {
  std::vector<solvers::SolverSpec> specs;
  config::for_each_alternative<solvers::SolverSpec>([&](auto spec) {
    spec.steps = steps;
    spec.tolerance = tolerance;
    specs.emplace_back(spec);
  });
  return specs;
}

inline std::string_view name_of(const solvers::SolverSpec& spec) {
  return std::visit([](const auto& chosen) { return std::decay_t<decltype(chosen)>::kName; }, spec);
}

// u -> M u + c for each sample, M of the given spectral norm.
struct LinearMap {
  torch::Tensor matrix_SNN, constant_SN;

  LinearMap(int64_t samples, int64_t size, double norm) {
    base::seed_torch(1);
    const torch::Tensor random = torch::randn({samples, size, size}, torch::kFloat64);
    matrix_SNN = norm * random / torch::linalg_matrix_norm(random, 2).view({-1, 1, 1});
    constant_SN = torch::randn({samples, size}, torch::kFloat64);
  }
  torch::Tensor operator()(const torch::Tensor& u) const {
    return torch::bmm(matrix_SNN, u.unsqueeze(2)).squeeze(2) + constant_SN;
  }
  torch::Tensor solution() const {
    const torch::Tensor identity = torch::eye(matrix_SNN.size(1), torch::kFloat64);
    return torch::linalg_solve(identity - matrix_SNN, constant_SN.unsqueeze(2)).squeeze(2);
  }
  LinearMap of_sample(int64_t s) const {
    LinearMap one = *this;
    one.matrix_SNN = matrix_SNN.narrow(0, s, 1);
    one.constant_SN = constant_SN.narrow(0, s, 1);
    return one;
  }
};

}  // namespace optdnn::tests
