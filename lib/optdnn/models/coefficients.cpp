#include "optdnn/models/coefficients.h"

#include <algorithm>
#include <cmath>

namespace optdnn::models {

using algorithms::Leaf;

namespace {

// A start on the edge of its range would have no gradient; it begins this fraction of the range inside.
constexpr double kEdge = 1e-3;

double raw_value(double value, const std::optional<algorithms::Range>& range) {
  if (!range) return value;
  const double inside = std::clamp((value - range->low) / (range->high - range->low), kEdge, 1.0 - kEdge);
  return std::log(inside / (1.0 - inside));
}

}  // namespace

CoefficientsImpl::CoefficientsImpl(const algorithms::Rule& rule, const std::set<Leaf>& leaves) {
  std::map<int, std::vector<double>> starts;
  for (const Leaf& leaf : leaves) {
    Slots& slots = slots_[leaf.coefficient];
    slots.range = rule.coefficients()[leaf.coefficient].range;
    slots.leaves.push_back(leaf);
    starts[leaf.coefficient].push_back(raw_value(rule.initial_value(leaf), slots.range));
  }
  for (auto& [coefficient, slots] : slots_) {
    const auto values = torch::tensor(starts[coefficient], torch::kFloat64).to(torch::get_default_dtype());
    slots.raw = register_parameter(rule.coefficients()[coefficient].name, values);
  }
}

torch::Tensor CoefficientsImpl::in_range(const Slots& slots) const {
  if (!slots.range) return slots.raw;
  return slots.range->low + (slots.range->high - slots.range->low) * torch::sigmoid(slots.raw);
}

void CoefficientsImpl::refresh() {
  for (const auto& [coefficient, slots] : slots_) {
    const auto values = in_range(slots).unbind(-1);
    for (size_t i = 0; i < slots.leaves.size(); ++i) values_[slots.leaves[i]] = values[i];
  }
}

std::vector<std::pair<Leaf, double>> CoefficientsImpl::numbers() const {
  torch::NoGradGuard no_grad;
  std::vector<std::pair<Leaf, double>> numbers;
  for (const auto& [coefficient, slots] : slots_) {
    const auto values = in_range(slots).to(torch::kCPU, torch::kFloat64).contiguous();
    for (size_t i = 0; i < slots.leaves.size(); ++i)
      numbers.emplace_back(slots.leaves[i], values.data_ptr<double>()[i]);
  }
  return numbers;
}

double CoefficientsImpl::number(const Leaf& leaf) const {
  Leaf known = leaf;
  const auto& leaves = slots_.at(leaf.coefficient).leaves;
  const int last = leaves.back().indices.empty() ? 0 : leaves.back().indices.front();
  if (!known.indices.empty() && known.indices.front() > last) {
    const int beyond = known.indices.front() - last;
    for (int& index : known.indices) index = std::max(0, index - beyond);
  }
  // A tuple no step uses (its result is never read) takes the nearest one below it.
  double nearest = std::nan("");
  for (const auto& [other, value] : numbers()) {
    if (other.coefficient != leaf.coefficient) continue;
    if (std::isnan(nearest) || other.indices <= known.indices) nearest = value;
  }
  return nearest;
}

}  // namespace optdnn::models
