// The order of a step's calls, and what has to be solved together.
#include "optdnn/algorithms/call_groups.h"

#include "algorithms/rules.h"
#include "support/catch.h"

using namespace optdnn;
using algorithms::CallGroup;

TEST_CASE("the calls of an explicit step are groups of their own, in their order") {
  for (const auto& entry : algorithms::catalogue()) {
    INFO(entry.name);
    const auto rule = algorithms::shipped(std::string(entry.name));
    if (!rule.is_explicit()) continue;
    const auto groups = algorithms::call_groups(rule.step(3));
    for (size_t i = 0; i < groups.size(); ++i) {
      REQUIRE(groups[i].calls == std::vector<int>{static_cast<int>(i)});
      REQUIRE_FALSE(groups[i].implicit);
    }
  }
}

TEST_CASE("only what waits for itself is solved: S of pgd, both calls of admm one after the other") {
  const auto shapes = [](const algorithms::Rule& rule) {
    std::vector<std::pair<size_t, bool>> found;
    for (const CallGroup& group : algorithms::call_groups(rule.step(2)))
      found.emplace_back(group.calls.size(), group.implicit);
    return found;
  };
  using Shapes = std::vector<std::pair<size_t, bool>>;
  REQUIRE(shapes(algorithms::shipped("pgd")) == Shapes{{1, false}, {1, true}});
  REQUIRE(shapes(algorithms::shipped("fista")) == Shapes{{1, false}, {1, true}});
  REQUIRE(shapes(algorithms::shipped("admm")) == Shapes{{1, true}, {1, true}});
  REQUIRE(shapes(algorithms::shipped("proximal_point")) == Shapes{{1, true}});
  REQUIRE(
      shapes(algorithms::rule_of("x[k+1] = x[k] + R(x[k]) + T(x[k+1] - z[k+1])\nz[k+1] = z[k] + S(x[k+1] + z[k+1])")) ==
      Shapes{{1, false}, {2, true}});
}

TEST_CASE("a group comes after all it depends on") {
  for (const auto& entry : algorithms::catalogue()) {
    const auto step = algorithms::shipped(std::string(entry.name)).step(2);
    std::vector<bool> done(step.calls.size(), false);
    for (const CallGroup& group : algorithms::call_groups(step)) {
      for (const int call : group.calls) done[call] = true;
      for (const int call : group.calls) {
        for (const auto& term : step.D.rows[call]) REQUIRE(done[term.column]);
      }
    }
  }
}
