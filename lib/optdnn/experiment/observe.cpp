#include "optdnn/experiment/observe.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "optdnn/base/json_text.h"
#include "optdnn/base/text.h"

namespace optdnn::experiment {

using algorithms::Certificate;
using base::concat;

namespace {

// Whether nothing has been learned yet, up to the rounding of single precision.
bool at_start(const algorithms::Rule& rule, const algorithms::LeafTable& numbers) {
  return std::all_of(numbers.values().begin(), numbers.values().end(), [&](const auto& number) {
    const double start = rule.initial_value(number.first);
    return std::abs(number.second - start) <= 1e-5 * std::max(1.0, std::abs(start));
  });
}

}  // namespace

std::vector<Certificate> certify_stages(const algorithms::Rule& rule, const models::OptNetImpl& net, int64_t run) {
  std::vector<Certificate> certificates;
  for (const auto& stage : net.stages()) {
    const algorithms::LeafTable numbers = stage->coefficients().numbers(run);
    const bool learned = !at_start(rule, numbers);
    const auto value_of = [&](const algorithms::Leaf& leaf) {
      return learned && numbers.has(leaf.coefficient) ? numbers.at(leaf) : rule.initial_value(leaf);
    };
    certificates.push_back(algorithms::certify(rule, stage->first() + stage->steps(), stage->first(), value_of));
  }
  return certificates;
}

namespace {

std::string leaf_name(const algorithms::Rule& rule, const algorithms::Leaf& leaf) {
  std::string name = rule.coefficients()[leaf.coefficient].name;
  for (const int index : leaf.indices) name += concat("/", index);
  return name;
}

void add_coefficients(const algorithms::Rule& rule, const models::OptNetImpl& net, int64_t run,
                      metrics::Record& record) {
  for (size_t i = 0; i < net.stages().size(); ++i) {
    for (const auto& [leaf, value] : net.stages()[i]->coefficients().numbers(run).values()) {
      record.set(concat("coefficient/", i, "/", leaf_name(rule, leaf)), value);
    }
  }
}

// The largest over the stages, if any stage has one.
void set_largest(std::string_view name, const std::vector<double>& values, metrics::Record& record) {
  if (!values.empty()) record.set(name, *std::max_element(values.begin(), values.end()));
}

void add_certificates(const std::vector<Certificate>& certificates, metrics::Record& record) {
  bool convergent = true;
  std::vector<double> radii, constants;
  for (const Certificate& certificate : certificates) {
    convergent = convergent && certificate.convergent;
    if (certificate.spectral_radius) radii.push_back(*certificate.spectral_radius);
    if (certificate.stability_constant) constants.push_back(certificate.stability_constant->rbegin()->second);
  }
  record.set("certificate/convergent", convergent ? 1.0 : 0.0);
  set_largest("certificate/spectral_radius", radii, record);
  set_largest("certificate/stability_constant", constants, record);
}

}  // namespace

std::string coefficients_json(const algorithms::Rule& rule, const models::OptNetImpl& net, int64_t run) {
  nlohmann::ordered_json stages = nlohmann::ordered_json::object();
  for (size_t i = 0; i < net.stages().size(); ++i) {
    for (const auto& [leaf, value] : net.stages()[i]->coefficients().numbers(run).values()) {
      std::vector<std::string> indices;
      for (const int index : leaf.indices) indices.push_back(std::to_string(index));
      stages[std::to_string(i)][rule.coefficients()[leaf.coefficient].name][base::join(indices, ",")] = value;
    }
  }
  return stages.empty() ? "" : base::json_line(stages);
}

std::function<void(int64_t, metrics::Record&)> observe_rule(algorithms::Rule rule,
                                                            std::shared_ptr<models::OptNetImpl> net, int64_t run) {
  const bool learnable = std::any_of(net->stages().begin(), net->stages().end(), [](const auto& stage) {
    return !stage->coefficients().numbers().values().empty();
  });
  const auto once = std::make_shared<std::vector<Certificate>>();
  return [rule = std::move(rule), net = std::move(net), run, learnable, once](int64_t, metrics::Record& record) {
    if (learnable || once->empty()) *once = certify_stages(rule, *net, run);
    add_coefficients(rule, *net, run, record);
    add_certificates(*once, record);
  };
}

}  // namespace optdnn::experiment
