#include "optdnn/data/validation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/base/text.h"
#include "optdnn/config/reader.h"

namespace optdnn::data {

void ValidationSpec::check(config::Checker& checker) const {
  if (fraction.has_value() == samples.has_value()) {
    checker.error("", "validation wants exactly one of fraction and samples", "validation: {fraction: 0.1}");
  }
}

int64_t ValidationSpec::size(int64_t train) const {
  return samples ? *samples : std::max<int64_t>(std::llround(*fraction * static_cast<double>(train)), 1);
}

namespace {

// `total` shared out in proportion to `sizes`, by the largest remainder; of equal ones the first.
std::vector<int64_t> shares(const std::vector<int64_t>& sizes, int64_t total, int64_t all) {
  std::vector<int64_t> share, order(sizes.size());
  for (const int64_t size : sizes) share.push_back(size * total / all);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return sizes[a] * total % all > sizes[b] * total % all; });
  const int64_t left = total - std::accumulate(share.begin(), share.end(), int64_t{0});
  for (int64_t i = 0; i < left; ++i) ++share[order[i]];
  return share;
}

}  // namespace

Division divide(std::span<const int64_t> labels, int64_t classes, const ValidationSpec& spec) {
  const int64_t all = std::ssize(labels), total = spec.size(all);
  if (total >= all) {
    throw base::ConfigError(base::concat("dataset.validation takes ", base::with_thousands(total), " of the ",
                                         base::with_thousands(all), " training samples and leaves none to train on"));
  }
  return divide(labels, classes, total, 0, "validation");
}

Division divide(std::span<const int64_t> labels, int64_t classes, int64_t total, uint64_t seed,
                std::string_view purpose) {
  const int64_t all = std::ssize(labels);
  std::vector<std::vector<int64_t>> members(classes);
  for (int64_t i = 0; i < all; ++i) members.at(labels[i]).push_back(i);
  std::vector<int64_t> sizes;
  for (const auto& of_class : members) sizes.push_back(std::ssize(of_class));
  const std::vector<int64_t> share = shares(sizes, total, all);

  std::vector<bool> held(all);
  for (int64_t c = 0; c < classes; ++c) {
    const auto order = base::permutation(sizes[c], base::RandomStream(seed, purpose, 0, c));
    for (int64_t i = 0; i < share[c]; ++i) held[members[c][order[i]]] = true;
  }
  Division division;
  for (int64_t i = 0; i < all; ++i) (held[i] ? division.held_out : division.kept).push_back(i);
  return division;
}

}  // namespace optdnn::data
