// What a plan's steps are as a tape: nothing is combined that is one value already.
#include "optdnn/models/stage_tape.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "models/rules.h"
#include "optdnn/models/linear_map.h"

using namespace optdnn;
using namespace optdnn::models;

namespace {

StageTape tape_of(const std::string& rule, int first, int count) {
  const Plan plan = make_plan(tests::catalogue_rule(rule), 4);
  int modules = 0;
  return *write_tape(plan, first, count, [&](const PlannedCall&, int) { return modules++; });
}

int combinations(const Tape& tape) {
  const auto& all = tape.operations;
  return static_cast<int>(std::count_if(all.begin(), all.end(), [](const auto& made) { return made.module < 0; }));
}

}  // namespace

TEST_CASE("states that start alike are one value, and terms of it fall together") {
  for (const std::string rule : {"heavy_ball", "nesterov", "apg2"}) {
    CAPTURE(rule);
    const StageTape stage = tape_of(rule, 0, 4);
    REQUIRE(stage.tape.inputs == 1);
    REQUIRE(stage.inputs == std::vector<int>{0, 0});
    REQUIRE(stage.tape.operations.front().module == 0);  // of the input itself
    REQUIRE(stage.tape.operations.front().argument == 0);
    REQUIRE(tape_of(rule, 1, 3).tape.inputs == 2);  // as after the first step they differ
  }
  const StageTape stage = tape_of("heavy_ball", 0, 1);
  REQUIRE(combinations(stage.tape) == 1);  // x + T
  const std::vector<TapeTerm> sum = {{0, 1.0}, {1, 1.0}};
  REQUIRE((stage.tape.operations.back().terms == sum));
}

TEST_CASE("what two terms of one weight pass back is one value") {
  const LinearMap twins(Tape{3, {{-1, 0, {{0, 0.5}, {1, 0.5}, {2, 0.25}}}}}, {3});
  REQUIRE(twins.gradients[0] == twins.gradients[1]);
  REQUIRE(twins.gradients[0] != twins.gradients[2]);
}
