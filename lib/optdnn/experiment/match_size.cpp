#include "optdnn/experiment/match_size.h"

#include <algorithm>
#include <cmath>

#include "optdnn/experiment/network.h"
#include "optdnn/models/ends.h"

namespace optdnn::experiment {

namespace {

MatchedSize size_of(baselines::ModelSpec& model) {
  return std::visit(
      []<class Spec>(Spec& spec) -> MatchedSize {
        if constexpr (requires { spec.growth; }) {
          return {"growth", {&spec.growth}};
        } else if constexpr (requires { spec.widening; }) {
          return {"widening", {&spec.widening}};
        } else if constexpr (std::same_as<decltype(Spec::width), int64_t>) {
          return {"width", {&spec.width}};
        } else {
          MatchedSize size{"width", {}};
          for (int64_t& width : spec.width) size.parts.push_back(&width);
          return size;
        }
      },
      model);
}

void add_hidden(modules::ModuleSpec& module, MatchedSize& size) {
  std::visit(
      [&](auto& spec) {
        if constexpr (requires { spec.hidden; }) size.parts.push_back(&spec.hidden);
      },
      module);
}

// Whether stem and head leave the state's width open; an input that is the state itself does not.
bool width_is_free(const ExperimentSpec& spec) {
  const models::NetworkShape shape = network_shape(spec);
  if (!spec.stem && !shape.is_image() && spec.width.values.front() == shape.input.front()) return false;
  try {
    models::make_stem(spec.stem, shape, 2 * spec.width.values.front());
    models::make_head(spec.head, shape, 2 * spec.width.values.back());
  } catch (const base::ConfigError&) {
    return false;
  }
  return true;
}

}  // namespace

std::optional<MatchedSize> matched_size(ExperimentSpec& spec) {
  const models::NetworkShape shape = network_shape(spec);
  if (spec.model) {
    baselines::check_baseline(*spec.model, shape);
    return size_of(*spec.model);
  }
  if (!spec.match->vary && width_is_free(spec)) return std::nullopt;
  if (spec.match->vary == Vary::width) return std::nullopt;
  const auto rule = rule_of(spec);
  models::check_opt_net(*rule, opt_net_spec(spec, *rule), shape);
  MatchedSize size{"hidden", {}};
  if (spec.module) add_hidden(*spec.module, size);
  for (auto& item : spec.modules) add_hidden(item.second, size);
  if (size.parts.empty()) throw base::ConfigError("match has nothing to scale: no module has a hidden width");
  return size;
}

void scale_to(const MatchedSize& size, double target, const std::function<double()>& cost) {
  constexpr double kLargest = 65536;
  std::vector<int64_t> given;
  for (const int64_t* part : size.parts) given.push_back(*part);
  const auto cost_at = [&](double scale) {
    for (size_t i = 0; i < given.size(); ++i) {
      *size.parts[i] = std::max<int64_t>(std::llround(scale * static_cast<double>(given[i])), 1);
    }
    return cost();
  };
  const double largest = kLargest / static_cast<double>(*std::max_element(given.begin(), given.end()));
  double low = 0, high = 1;
  while (high < largest && cost_at(high) < target) high = std::min(2 * high, largest);
  // Until no part has a whole number between the two.
  const double step = 0.25 / static_cast<double>(*std::max_element(given.begin(), given.end()));
  while (high - low > step) {
    const double middle = (low + high) / 2;
    (cost_at(middle) < target ? low : high) = middle;
  }
  const double below = std::abs(cost_at(low) - target), above = std::abs(cost_at(high) - target);
  cost_at(below <= above ? low : high);
}

}  // namespace optdnn::experiment
