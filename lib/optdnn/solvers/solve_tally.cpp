#include "optdnn/solvers/solve_tally.h"

namespace optdnn::solvers {

using torch::Tensor;

namespace {

constexpr int64_t kSums = 6, kPointSums = 2;  // of all solves; of a point of the curve

// Shapes: several of S -> several x runs.
Tensor sums_by_run(const std::vector<Tensor>& per_sample, int64_t runs) {
  return torch::stack(per_sample).view({static_cast<int64_t>(per_sample.size()), runs, -1}).sum(2);
}

// Shapes: S -> 2 x runs: how many are finite, and their sum.
std::vector<Tensor> finite_ones(const Tensor& residual) {
  const Tensor finite = residual.isfinite();
  return {finite.to(torch::kFloat64), torch::where(finite, residual, torch::zeros_like(residual)).to(torch::kFloat64)};
}

// In place: a recorded graph adds to the same memory when it is replayed.
void add_to(Tensor& sums, const Tensor& added) {
  if (!sums.defined()) sums = torch::zeros_like(added);
  sums.add_(added);
}

}  // namespace

void SolveTally::add(const std::vector<Tensor>& per_sample, int64_t runs) {
  add_to(sums_, sums_by_run(per_sample, runs));
}

void SolveTally::add(const Solution& solution, int64_t runs) {
  const torch::NoGradGuard no_grad;
  const Tensor steps = solution.steps_S.to(torch::kFloat64), failed = solution.failed_S.to(torch::kFloat64);
  const std::vector<Tensor> finite = finite_ones(solution.residual_S);
  add({torch::ones_like(steps), steps, finite[1], finite[0], failed, torch::zeros_like(steps)}, runs);
  for (size_t i = 0; i < solution.curve.size(); ++i)
    add_to(curve_[solution.looked_at[i]], sums_by_run(finite_ones(solution.curve[i]), runs));
}

void SolveTally::add_adjoint(const Solution& solution, int64_t runs) {
  const Tensor failed = solution.failed_S.to(torch::kFloat64), none = torch::zeros_like(failed);
  add({none, none, none, none, none, failed}, runs);
}

SolveNumbers SolveTally::take(int64_t run) {
  SolveNumbers numbers;
  if (!sums_.defined()) return numbers;
  const auto taken = [run](Tensor& sums) {
    const Tensor column = sums.select(1, run), read = column.cpu().clone();
    column.zero_();
    return [read](int64_t i) { return read[i].item<double>(); };
  };
  const auto at = taken(sums_);
  numbers.solves = at(0);
  numbers.steps = at(1) / std::max(1.0, at(0));
  numbers.residual = at(2) / std::max(1.0, at(3));
  numbers.failed = at(4);
  numbers.failed_back = at(5);
  for (auto& [steps, sums] : curve_) {
    const auto point = taken(sums);
    if (point(0) > 0) numbers.curve[steps] = point(1) / point(0);
  }
  return numbers;
}

// The sums, if there are any, then evaluations and sums of each point of the curve.
Tensor SolveTally::packed(int64_t run) const {
  std::vector<Tensor> parts = {torch::empty({0}, torch::kFloat64)};
  if (sums_.defined()) parts.push_back(sums_.select(1, run).cpu());
  for (const auto& [steps, sums] : curve_) {
    parts.push_back(torch::tensor({static_cast<double>(steps)}, torch::kFloat64));
    parts.push_back(sums.select(1, run).cpu());
  }
  return torch::cat(parts);
}

void SolveTally::unpack(const Tensor& packed, int64_t run, int64_t runs, const torch::Device& device) {
  const auto put = [&](Tensor& sums, const Tensor& column) {
    if (!sums.defined())
      sums = torch::zeros({column.size(0), runs}, torch::TensorOptions(torch::kFloat64).device(device));
    sums.select(1, run).copy_(column);
  };
  if (packed.size(0) == 0) return;
  put(sums_, packed.narrow(0, 0, kSums));
  for (int64_t i = kSums; i < packed.size(0); i += 1 + kPointSums) {
    put(curve_[packed[i].item<int64_t>()], packed.narrow(0, i + 1, kPointSums));
  }
}

}  // namespace optdnn::solvers
