#include "optdnn/experiment/universal.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "optdnn/base/text.h"
#include "optdnn/experiment/network.h"

namespace optdnn::experiment {

using base::concat;

namespace {

constexpr std::string_view kTwoLayer = "two-layer core", kVector = "vector modules";

bool is_injective(const ExperimentSpec& spec, int64_t inputs, int64_t width) {
  if (!spec.stem) return width >= inputs;  // identity or linear
  return std::visit(
      [&](const auto& stem) {
        using Stem = std::decay_t<decltype(stem)>;
        if constexpr (std::is_same_v<Stem, models::LinearStem>) return width >= inputs;
        return std::is_same_v<Stem, models::IdentityStem> || std::is_same_v<Stem, models::ZeroPadStem>;
      },
      *spec.stem);
}

std::vector<Universal::Part> parts_of(const ExperimentSpec& spec, const std::vector<algorithms::Certificate>& stages,
                                      const models::NetworkShape& shape) {
  const auto modules = modules_of(spec, *rule_of(spec));
  const auto each = [&](auto holds) { return std::all_of(modules.begin(), modules.end(), holds); };
  std::vector<Universal::Part> parts;
  const auto want = [&](std::string_view name, bool met, std::string otherwise, std::string detail = "") {
    parts.push_back({std::string(name), met, std::move(otherwise), std::move(detail)});
  };
  want("convergent", std::all_of(stages.begin(), stages.end(), [](const auto& stage) { return stage.convergent; }),
       "the rule is not convergent");
  want(kTwoLayer, each([](const auto& module) { return modules::module_traits(module).two_layer; }),
       "a module of one layer contains no two-layer network");
  want("fresh modules",
       each([](const auto& module) { return modules::module_sharing(module) == modules::Sharing::per_step; }),
       "a T shared by all steps is not covered; other theorems reach it (Zhang, Lu, Zhao 2023)");
  want(kVector, each([](const auto& module) { return !modules::module_traits(module).on_images; }),
       "of convolutions and attention claimed by the paper, not checked here");
  want("samples apart",
       !std::any_of(modules.begin(), modules.end(),
                    [](const auto& module) { return modules::module_traits(module).couples_samples; }),
       "a norm couples the samples of a batch");
  want("one stage", spec.depth.values.size() == 1, "it is about one stage");
  if (shape.is_image()) return parts;
  const int64_t width = spec.width.values.front(), inputs = shape.input[0];
  const int64_t wanted = std::max<int64_t>(2, inputs);
  want("injective stem", width >= wanted && is_injective(spec, inputs, width), "the state is too narrow for the inputs",
       concat("width ", width, ", at least max(2, inputs) = ", wanted));
  want("head onto", width >= shape.outputs, "the state is too narrow for the outputs",
       concat("width ", width, ", at least the outputs, ", shape.outputs));
  return parts;
}

}  // namespace

Universal judge_universal(const ExperimentSpec& spec, const std::vector<algorithms::Certificate>& stages) {
  const models::NetworkShape shape = network_shape(spec);
  Universal universal;
  universal.parts = parts_of(spec, stages, shape);
  for (const auto& part : universal.parts) {
    if (part.met) continue;
    if (part.name == kVector) {
      universal.reason = part.otherwise;
      return universal;
    }
    universal.verdict = false;
    universal.reason = "not shown by this theorem: " + part.otherwise;
    return universal;
  }
  universal.verdict = true;
  universal.reason = "in L^p on compact sets, 1 <= p < infinity, with enough steps";
  return universal;
}

std::string universal_text(const Universal& universal) {
  std::string text = "\nuniversality wants\n\n";
  for (const auto& part : universal.parts)
    text +=
        algorithms::verdict_line(part.name, part.met ? algorithms::Verdict::yes : algorithms::Verdict::no, part.detail);
  return concat(text, "\n", universal.verdict.value_or(false) ? "universal: " : "universality: ", universal.reason,
                "\n");
}

void add_universal(const Universal& universal, nlohmann::json& certificate) {
  certificate["universal"] = universal.verdict ? nlohmann::json(*universal.verdict) : nlohmann::json(nullptr);
  certificate["universal_reason"] = universal.reason;
  nlohmann::json& wants = certificate["universal_wants"] = nlohmann::json::object();
  for (const auto& part : universal.parts) {
    std::string key = part.name;
    std::replace_if(
        key.begin(), key.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
    wants[key] = part.met;
    if (part.name == kTwoLayer) certificate["modules_two_layer"] = part.met;
  }
}

}  // namespace optdnn::experiment
