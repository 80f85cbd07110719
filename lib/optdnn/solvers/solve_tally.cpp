#include "optdnn/solvers/solve_tally.h"

namespace optdnn::solvers {

using torch::Tensor;

namespace {

constexpr int64_t kSums = 6, kPointSums = 2;  // of all solves; of a point of the curve
constexpr int64_t kOfAllSolves = -1;          // a key in the place of evaluations

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

Tensor SolveTally::packed(int64_t run) const {
  std::vector<Tensor> rows = {torch::empty({0, kPacked}, torch::kFloat64)};
  const auto add_row = [&](double key, const Tensor& sums) {
    rows.push_back(torch::zeros({1, kPacked}, torch::kFloat64));
    rows.back()[0][0] = key;
    rows.back()[0].narrow(0, 1, sums.size(0)).copy_(sums.select(1, run));
  };
  if (sums_.defined()) add_row(kOfAllSolves, sums_);
  for (const auto& [steps, sums] : curve_) add_row(static_cast<double>(steps), sums);
  return torch::cat(rows);
}

void SolveTally::unpack(const Tensor& packed, int64_t run, int64_t runs, const torch::Device& device) {
  if (sums_.defined()) sums_.select(1, run).zero_();
  for (auto& [steps, sums] : curve_) sums.select(1, run).zero_();
  for (const Tensor& row : packed.unbind()) {
    const auto key = row[0].item<int64_t>();
    const bool of_all = key == kOfAllSolves;
    const int64_t count = of_all ? kSums : kPointSums;
    Tensor& sums = of_all ? sums_ : curve_[key];
    if (!sums.defined()) sums = torch::zeros({count, runs}, torch::TensorOptions(torch::kFloat64).device(device));
    sums.select(1, run).add_(row.narrow(0, 1, count).to(device));
  }
}

}  // namespace optdnn::solvers
