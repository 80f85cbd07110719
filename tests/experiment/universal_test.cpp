// What the theorem wants of a config, part by part.
#include "optdnn/experiment/universal.h"

#include <nlohmann/json.hpp>

#include "experiment/from_yaml.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/network.h"

using namespace optdnn;
using experiment::Universal;

namespace {

Universal judge(const std::string& yaml) {
  const auto spec = tests::read_experiment(yaml);
  const auto depth = static_cast<int>(spec.depth.values.front());
  const auto certificate = algorithms::certify(*experiment::rule_of(spec), depth);
  return experiment::judge_universal(spec, std::vector<algorithms::Certificate>(spec.depth.values.size(), certificate));
}

std::string first_missing(const Universal& universal) {
  for (const auto& part : universal.parts) {
    if (!part.met) return part.name;
  }
  return "";
}

std::string vectors(const std::string& rest) {
  return base::concat("dataset: {name: nested_rings}\ndepth: 5\n", rest, "\n");
}

std::string images(const std::string& rest) { return base::concat("dataset: {name: generated_images}\n", rest, "\n"); }

}  // namespace

TEST_CASE("a convergent rule over fresh two-layer vector modules that are wide enough is universal") {
  for (const char* rest : {"algorithm: apg2\nmodule: dense_two_layer\nwidth: 2",
                           "algorithm: ladmm\nmodule: {name: dense_two_layer, hidden: 1}\nwidth: 5\nstem: zero_pad",
                           "algorithm: pgd\nmodule: dense_two_layer\nwidth: 3\nhead: read_state",
                           "algorithm: dense\nmodule: dense_two_layer\nwidth: 2"}) {
    const Universal universal = judge(vectors(rest));
    INFO(experiment::universal_text(universal));
    CHECK(universal.verdict == true);
    CHECK(first_missing(universal).empty());
  }
}

TEST_CASE("what is not shown names the part that is missing") {
  const std::tuple<std::string, std::string, std::optional<bool>> cases[] = {
      {vectors("algorithm: heavy_ball_2018\nmodule: dense_two_layer\nwidth: 2"), "convergent", false},
      {vectors("algorithm: apg\nmodule: dense_two_layer\nwidth: 2"), "convergent", false},
      {vectors("algorithm: apg2\nmodule: {name: dense_two_layer, sharing: shared}\nwidth: 2"), "fresh modules", false},
      {vectors(
           "algorithm: ladmm\nmodules: {T: dense_two_layer, S: {name: dense_two_layer, sharing: shared}}\nwidth: 2"),
       "fresh modules", false},
      {vectors("algorithm: apg2\nmodule: dense_two_layer\nwidth: 1\nstem: linear"), "injective stem", false},
      {"dataset: {name: telgarsky}\nalgorithm: apg2\nmodule: dense_two_layer\nwidth: 1\n", "injective stem", false},
      {"dataset: {name: nested_rings}\ndepth: [3, 3]\nwidth: [2, 4]\nalgorithm: apg2\nmodule: dense_two_layer\n",
       "one stage", false},
      {images("algorithm: gradient_descent\nmodule: conv_single\ndepth: 2\nwidth: 4"), "two-layer core", false},
      {images("algorithm: heavy_ball_2018\nmodule: conv_preact\ndepth: 2\nwidth: 4"), "convergent", false},
      {images("algorithm: apg2\nmodule: {name: conv_preact, sharing: shared}\ndepth: 2\nwidth: 4"), "fresh modules",
       false},
      {images("algorithm: apg2\nmodule: conv_preact\ndepth: [2, 2]\nwidth: [4, 8]"), "vector modules", std::nullopt},
      {images("algorithm: apg2\nmodule: convnext\ndepth: 2\nwidth: 4"), "vector modules", std::nullopt},
  };
  for (const auto& [yaml, part, verdict] : cases) {
    const Universal universal = judge(yaml);
    INFO(yaml << experiment::universal_text(universal));
    CHECK(first_missing(universal) == part);
    CHECK(universal.verdict == verdict);
    CHECK(universal.reason.starts_with("not shown by this theorem: ") == (verdict == false));
  }
}

TEST_CASE("the JSON of a certificate takes the config's verdict, each part and the open one as null") {
  nlohmann::json certificate;
  add_universal(judge(vectors("algorithm: apg2\nmodule: dense_two_layer\nwidth: 2")), certificate);
  CHECK(certificate["universal"] == true);
  CHECK(certificate["modules_two_layer"] == true);
  CHECK(certificate["universal_wants"]["fresh_modules"] == true);
  add_universal(judge(images("algorithm: apg2\nmodule: conv_preact\ndepth: 2\nwidth: 4")), certificate);
  CHECK(certificate["universal"].is_null());
  CHECK(certificate["universal_wants"]["vector_modules"] == false);
  CHECK_FALSE(certificate["universal_reason"].empty());
}
