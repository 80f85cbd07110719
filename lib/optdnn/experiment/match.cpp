#include "optdnn/experiment/match.h"

#include <cmath>

#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/match_size.h"
#include "optdnn/experiment/network.h"

namespace optdnn::experiment {

using base::concat;

void MatchSpec::check(config::Checker& checker) const {
  if (multiply_adds.has_value() == parameters.has_value()) {
    checker.error("", "match wants exactly one of multiply_adds and parameters", "match: {multiply_adds: 63.3e6}");
  }
}

const base::NameTable<Vary>& enum_names(Vary) {
  static const base::NameTable<Vary> table("sizes", {{"width", "channels of the state, by stage", Vary::width},
                                                     {"hidden", "hidden units of the modules", Vary::hidden}});
  return table;
}

double cost_of(const ExperimentSpec& spec, bool parameters) {
  check_network(spec);
  const modules::Count count = count_network(spec);
  return static_cast<double>(parameters ? count.parameters : count.multiply_adds);
}

namespace {

constexpr double kWarnedGapPct = 2, kRefusedGapPct = 10;
constexpr int64_t kLargestWidth = 65536;

using Widths = std::vector<int64_t>;

// Of the network at other widths. Errors: ConfigError if it cannot be built.
class Cost {
 public:
  explicit Cost(const ExperimentSpec& spec)
      : rule_(*rule_of(spec)),
        net_(opt_net_spec(spec, rule_)),
        shape_(network_shape(spec)),
        of_parameters_(spec.match->parameters.has_value()) {
    check(spec.width.values);
    uses_ = models::count_uses(rule_, net_);
  }
  void check(const Widths& width) {
    net_.width = width;
    models::check_opt_net(rule_, net_, shape_);
  }
  double operator()(const Widths& width) {
    net_.width = width;
    const modules::Count count = models::count_opt_net(uses_, net_, shape_);
    return static_cast<double>(of_parameters_ ? count.parameters : count.multiply_adds);
  }

 private:
  algorithms::Rule rule_;
  models::OptNetSpec net_;
  models::NetworkShape shape_;
  bool of_parameters_;
  std::vector<models::StageUse> uses_;
};

// Every layer's cost is a product of at most two widths, of one stage or of neighbours, so the whole is a quadratic in
// them. It is read off the widths as given, each stage twice and three times as wide, neighbours both
// twice as wide.
class CostModel {
 public:
  CostModel(const Widths& base, Cost& cost_at) : base_(base), constant_(cost_at(base)) {
    const auto scaled = [&](size_t first, size_t count, int64_t factor) {
      Widths width = base_;
      for (size_t i = first; i < first + count; ++i) width[i] *= factor;
      return cost_at(width);
    };
    std::vector<double> twice;
    for (size_t i = 0; i < base_.size(); ++i) {
      twice.push_back(scaled(i, 1, 2));
      square_.push_back((scaled(i, 1, 3) - 2 * twice[i] + constant_) / 2);
      linear_.push_back(twice[i] - constant_ - square_[i]);
      if (i > 0) mixed_.push_back(scaled(i - 1, 2, 2) - twice[i - 1] - twice[i] + constant_);
    }
  }

  double operator()(const std::vector<double>& width) const {
    double cost = constant_, before = 0;
    for (size_t i = 0; i < width.size(); ++i) {
      const double more = width[i] / static_cast<double>(base_[i]) - 1;
      cost += (linear_[i] + square_[i] * more) * more + (i > 0 ? mixed_[i - 1] * before * more : 0);
      before = more;
    }
    return cost;
  }

 private:
  Widths base_;
  double constant_;
  std::vector<double> linear_, square_, mixed_;
};

bool admits(const ExperimentSpec& spec, int64_t width) {
  const bool image = data::dataset_shape(spec.dataset).input.size() == 3;
  try {
    if (spec.module) modules::check_module(*spec.module, width, image);
    for (const auto& [family, module] : spec.modules) modules::check_module(module, width, image);
  } catch (const base::ConfigError&) {
    return false;
  }
  return true;
}

// The integer nearest to `width` that every module admits; some want multiples.
int64_t nearest_admitted(const ExperimentSpec& spec, double width) {
  const int64_t nearest = std::clamp<int64_t>(std::llround(width), 1, kLargestWidth);
  const int64_t side = width < static_cast<double>(nearest) ? -1 : 1;
  for (int64_t distance = 0; distance <= kLargestWidth; ++distance) {
    for (const int64_t candidate : {nearest + side * distance, nearest - side * distance}) {
      if (candidate >= 1 && admits(spec, candidate)) return candidate;
    }
  }
  return nearest;
}

Widths picked_widths(const ExperimentSpec& spec, Cost& cost, double target) {
  const CostModel model(spec.width.values, cost);
  const Widths& base = spec.width.values;
  std::vector<double> width(base.begin(), base.end());
  Widths picked;
  for (size_t i = 0; i < base.size(); ++i) {
    double low = 0, high = static_cast<double>(kLargestWidth);
    for (int halving = 0; halving < 60; ++halving) {
      const double scale = (low + high) / 2;
      for (size_t j = i; j < base.size(); ++j) width[j] = scale * static_cast<double>(base[j]);
      (model(width) < target ? low : high) = scale;
    }
    picked.push_back(nearest_admitted(spec, low * static_cast<double>(base[i])));
    width[i] = static_cast<double>(picked.back());
  }
  return picked;
}

}  // namespace

std::optional<Matched> match_widths(ExperimentSpec& spec, const std::string& row, const config::Node& node,
                                    base::Diagnostics& diagnostics) {
  const config::Node* place = node.find("match");
  Matched matched;
  matched.what = spec.match->parameters ? "parameters" : "multiply_adds";
  matched.target = spec.match->parameters ? *spec.match->parameters : *spec.match->multiply_adds;
  try {
    const bool parameters = spec.match->parameters.has_value();
    std::vector<std::string> sizes;
    if (const auto size = matched_size(spec)) {
      scale_to(*size, matched.target, [&] { return cost_of(spec, parameters); });
      for (const int64_t* part : size->parts) sizes.push_back(concat(*part));
      matched.at = sizes.size() == 1 ? concat(size->name, " ", sizes[0])
                                     : concat(size->name, " [", base::join(sizes, ", "), "]");
    } else {
      Cost cost(spec);
      spec.width.values = picked_widths(spec, cost, matched.target);
      for (const int64_t width : spec.width.values) sizes.push_back(concat(width));
      matched.at = concat("width [", base::join(sizes, ", "), "]");
    }
    matched.found = cost_of(spec, parameters);
  } catch (const base::ConfigError& error) {
    diagnostics.error(place->span(), concat("row '", row, "': match needs a network that can be built: ", error.what()),
                      error.hint());
    return std::nullopt;
  }
  const double gap = std::abs(matched.gap_pct());
  const std::string message = concat("row '", row, "': the closest to ", matched.target, " ", matched.what, " is ",
                                     matched.found, " at ", matched.at);
  if (gap > kRefusedGapPct) {
    diagnostics.error(place->span(), message, "a gap of more than 10 % is no twin; change depth, or the target");
    return std::nullopt;
  }
  if (gap > kWarnedGapPct) diagnostics.warning(place->span(), message);
  spec.match.reset();
  return matched;
}

}  // namespace optdnn::experiment
