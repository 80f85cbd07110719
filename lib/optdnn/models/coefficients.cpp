#include "optdnn/models/coefficients.h"

#include <cmath>

namespace optdnn::models {

using algorithms::Leaf;

namespace {

double raw_value(double value, const std::optional<algorithms::Range>& range) {
  if (!range) return value;
  const double inside = (value - range->low) / (range->high - range->low);
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

algorithms::LeafTable CoefficientsImpl::numbers(int64_t run) const {
  torch::NoGradGuard no_grad;
  std::map<Leaf, double> numbers;
  for (const auto& [coefficient, slots] : slots_) {
    const auto count = static_cast<int64_t>(slots.leaves.size());
    const auto values = in_range(slots).view({-1, count})[run].to(torch::kCPU, torch::kFloat64).contiguous();
    for (size_t i = 0; i < slots.leaves.size(); ++i) numbers[slots.leaves[i]] = values.data_ptr<double>()[i];
  }
  return algorithms::LeafTable(std::move(numbers));
}

}  // namespace optdnn::models
