// Programs as texts, and each pass on its own.
#include "optdnn/execution/program.h"

#include "algorithms/rules.h"
#include "optdnn/base/errors.h"
#include "optdnn/execution/passes.h"

using namespace optdnn;
using namespace optdnn::execution;
using algorithms::constant;
using algorithms::learned;
using algorithms::rule_of;

namespace {

algorithms::Rule shipped(const std::string& name) {
  base::Diagnostics diagnostics;
  return *algorithms::make_rule(algorithms::catalogue_spec(name, {}, diagnostics), diagnostics);
}

std::string text_of(const algorithms::Rule& rule, std::vector<int> steps, Outputs outputs = Outputs::last) {
  std::string all;
  for (const Program& program : make_programs(rule, steps, outputs)) all += text(program, rule.families());
  return all;
}

// v0, then these combinations.
Program combinations(int inputs, std::vector<Terms> all, std::vector<int> outputs) {
  Program program;
  program.inputs = program.values = inputs;
  for (Terms& terms : all) program.operations.push_back({Combine{std::move(terms)}, program.values++});
  program.outputs = std::move(outputs);
  return program;
}

Terms terms_of(const Program& program, size_t operation) {
  return std::get<Combine>(program.operations[operation].what).terms;
}

}  // namespace

TEST_CASE("gradient descent is a module and a sum per step, as a ResNet is") {
  REQUIRE(text_of(shipped("gradient_descent"), {2}) ==
          "%1 = T[0](%0)\n"
          "%2 = %0 + %1\n"
          "%3 = T[1](%2)\n"
          "%4 = %2 + %3\n"
          "outputs %4\n");
}

TEST_CASE("apg2's new state reads its module's argument, and a state nobody reads is not computed") {
  REQUIRE(text_of(shipped("apg2"), {2}) ==
          "%1 = T[0](%0)\n"
          "%2 = %0 + %1\n"
          "%3 = %0 + 1.5 %1\n"
          "%4 = 0.5 %2 + 0.5 %3\n"
          "%5 = T[1](%4)\n"
          "%6 = %4 + %5\n"
          "outputs %6\n");
}

TEST_CASE("in the DenseNet setting every output is one, and a run that is carried over is several programs") {
  REQUIRE(text_of(shipped("heavy_ball"), {2}, Outputs::every) ==
          "%1 = T[0](%0)\n"
          "%2 = %0 + %1\n"
          "%3 = T[1](%2)\n"
          "%4 = 1.5 %2 + -0.5 %0 + %3\n"
          "outputs %2, %4\n");
  REQUIRE(text_of(shipped("heavy_ball"), {1, 1}) ==
          "%1 = T[0](%0)\n"
          "%2 = %0 + %1\n"
          "outputs %0, %2\n"
          "%2 = T[0](%1)\n"
          "%3 = 1.5 %1 + -0.5 %0 + %2\n"
          "outputs %3\n");
}

TEST_CASE("an implicit step is its explicit part and a solve") {
  REQUIRE(text_of(shipped("pgd"), {1}) ==
          "%1 = T[0](%0)\n"
          "%2 = %0 + %1\n"
          "solve %3 = u0 = S[0](%2 + u0)\n"
          "%4 = %0 + %1 + %3\n"
          "outputs %4\n");
}

TEST_CASE("outputs that cost nothing are those the last one follows from") {
  const auto rule = rule_of("z[k+1] = z[k] + S(x[k])\nx[k+1] = x[k] + T(x[k]) + z[k]/4");
  for (const Program& program : make_programs(rule, {3}, Outputs::free)) REQUIRE(program.iterates == 3);
  algorithms::RuleSpec spec;
  spec.equations = "x[k+1] = x[k] + T(x[k])\nz[k+1] = S(x[k+1])";
  spec.output = "z";
  const auto aside = make_programs(rule_of(spec), {3}, Outputs::free);
  REQUIRE(aside.front().iterates == 1);  // S of the last step alone
  REQUIRE(aside.front().outputs.size() == 1);
}

TEST_CASE("an output that is still zero is refused, with the number of steps") {
  algorithms::RuleSpec spec;
  spec.equations = "x[k+1] = x[k] + T(x[k])\nz[k+1] = z[k] + y[k]\ny[k+1] = x[k]";
  spec.output = "z";
  spec.start = {{"z", 0.0}, {"y", 0.0}};
  const auto rule = rule_of(spec);
  REQUIRE_THROWS_AS(make_programs(rule, {1}, Outputs::last), base::ConfigError);
  REQUIRE_NOTHROW(make_programs(rule, {2}, Outputs::last));
  REQUIRE_THROWS_AS(make_programs(rule, {2}, Outputs::every), base::ConfigError);
}

TEST_CASE("equal values are one: terms fall together, zero terms go, copies and repetitions are not computed") {
  const Program merged = merge_equal(combinations(
      2, {{{0, 0.5}, {0, 0.5}}, {{2, 2.0}, {1, 0.0}}, {{0, 2.0}}, {{1, 1.0}, {1, -1.0}}, {{0, 1.0}, {5, 3.0}}},
      {3, 4, 6}));
  REQUIRE(merged.operations.size() == 2);  // 2 v0, and zero, which a learned weight might still multiply
  REQUIRE((terms_of(merged, 0) == Terms{{0, 2.0}}));
  REQUIRE(terms_of(merged, 1).empty());
  REQUIRE(merged.outputs == std::vector<int>{2, 2, 0});
}

TEST_CASE("terms of one value with learned weights stay apart") {
  const Terms terms = {{0, 1.0, 0}, {0, 1.0, 1}, {0, 0.5}};
  REQUIRE((terms_of(merge_equal(combinations(1, {terms}, {1})), 0) == terms));
  const auto rule = rule_of("x[k+1] = x[k] + a*x[k] + b*x[k-1] + T(x[k])",
                            {learned(constant("a", 0.5)), learned(constant("b", 0.5))});
  const auto programs = make_programs(rule, {2}, Outputs::last);
  REQUIRE(programs.front().leaves().size() == 4);
}

TEST_CASE("an argument stands for its terms in a later sum, each as often as the argument has it") {
  const Term a = {0, 1.0, 0}, b = {1, 1.0, 1};
  const auto with = [&](Terms sum) {
    Program program = combinations(2, {{a, b}}, {4});
    program.modules = {{0, 0, -1}};
    program.operations.push_back({Call{0, 2}, 3});
    program.operations.push_back({Combine{std::move(sum)}, 4});
    program.values = 5;
    return terms_of(reuse_arguments(program), 2);
  };
  REQUIRE((with({a, a, b, {3, 1.0}}) == Terms{{2, 1.0}, a, {3, 1.0}}));
  REQUIRE((with({b, a}) == Terms{{2, 1.0}}));
  REQUIRE((with({a, a, {3, 1.0}}) == Terms{a, a, {3, 1.0}}));
}

TEST_CASE("what nobody reads is dropped, with its modules and weights; inputs stay") {
  Program program = combinations(2, {{{0, 2.0}}, {{1, 1.0, 0}}, {{2, 1.0, 1}}}, {4});
  program.learned = {algorithms::Scalar::leaf({0, {}}), algorithms::Scalar::leaf({1, {}})};
  const Program left = drop_unread(program);
  REQUIRE(left.inputs == 2);
  REQUIRE(left.operations.size() == 2);
  REQUIRE(left.learned.size() == 1);
  REQUIRE((terms_of(left, 1) == Terms{{2, 1.0, 0}}));
}

TEST_CASE("a part reads what was made before it, in its order") {
  std::vector<int> read;
  const Program part =
      part_of(combinations(1, {{{0, 2.0}}, {{0, 3.0}}, {{2, 1.0}, {1, 1.0}}}, {3}), 2, 3, {3, 0}, &read);
  REQUIRE(read == std::vector<int>{0, 1, 2});
  REQUIRE(part.inputs == 3);
  REQUIRE(part.outputs == std::vector<int>{3, 0});
  REQUIRE((terms_of(part, 0) == Terms{{2, 1.0}, {1, 1.0}}));
}

TEST_CASE("a value goes after its last read, an output never, and the count of values follows") {
  const Program program = combinations(1, {{{0, 2.0}}, {{1, 2.0}, {0, 1.0}}, {{2, 3.0}}, {{3, 1.0}, {2, 1.0}}}, {4, 2});
  const std::vector<std::vector<int>> wanted = {{}, {0, 1}, {}, {3}};
  REQUIRE(last_reads(program) == wanted);
  REQUIRE(most_values(program) == 3);
  for (const char* name : {"gradient_descent", "heavy_ball", "apg", "apg2", "nesterov"}) {
    const auto of = [&](int depth) {
      return most_values(make_programs(shipped(name), {depth}, Outputs::last).front());
    };
    CAPTURE(name);
    REQUIRE(of(40) == of(10));  // memory does not grow with depth
    REQUIRE(of(40) <= 5);
  }
}
