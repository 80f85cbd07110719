// Messages exactly as they are printed.
#include "optdnn/base/diagnostics.h"

#include "optdnn/base/names.h"
#include "support/catch.h"

using namespace optdnn::base;

namespace {

std::shared_ptr<const SourceText> source(std::string name, std::string text) {
  return std::make_shared<const SourceText>(SourceText{std::move(name), std::move(text)});
}

}  // namespace

TEST_CASE("a suggestion names the nearest of many, and few of the others") {
  std::vector<std::string> rows;
  for (int i = 10; i < 99; ++i) rows.push_back(concat("row-", i));
  const std::string text = suggestion("row-9O", rows, "rows");
  REQUIRE(text.starts_with("did you mean 'row-9"));
  REQUIRE(text.ends_with("row-49 and 49 more"));
}

TEST_CASE("a diagnostic shows place, line, caret and hint") {
  const auto file = source("configs/table_3.yaml", "a: 1\n  optimizer: {name: sgd, momentun: 0.9}\n");
  Diagnostics diagnostics;
  diagnostics.error({file, 2, 26, 8}, "unknown key 'momentun' in optimizer 'sgd'",
                    suggestion("momentun", {"name", "learning_rate", "momentum"}, "keys"));
  REQUIRE(diagnostics.render() ==
          "configs/table_3.yaml:2:26: error: unknown key 'momentun' in optimizer 'sgd'\n"
          "    2 |   optimizer: {name: sgd, momentun: 0.9}\n"
          "      |                          ^~~~~~~~\n"
          "   hint: did you mean 'momentum'? keys: name, learning_rate, momentum\n");
  REQUIRE(diagnostics.summary() == "1 error in 1 file; nothing was run");
}

TEST_CASE("diagnostics are sorted by place, kept once, and only errors stop") {
  const auto file = source("f", "one\ntwo\n");
  Diagnostics diagnostics;
  diagnostics.warning({file, 2, 1, 3}, "later");
  REQUIRE_NOTHROW(diagnostics.throw_if_errors());
  diagnostics.error({file, 1, 1, 3}, "earlier");
  diagnostics.error({file, 1, 1, 3}, "earlier");
  REQUIRE(diagnostics.errors() == 1);
  REQUIRE(diagnostics.render().find("earlier") < diagnostics.render().find("later"));
  REQUIRE_THROWS_AS(diagnostics.throw_if_errors(), DiagnosedError);
}

TEST_CASE("hostile lines and places are shown safely") {
  const auto file = source("f", std::string(100'000, 'x') + "\x1b[31m\n");
  for (const int column : {-5, 0, 1, 500, 100'003, 1'000'000}) {
    Diagnostics diagnostics;
    diagnostics.error({file, 1, column, 1'000'000}, "long");
    const std::string text = diagnostics.render();
    REQUIRE(text.size() < 1000);
    REQUIRE(text.find('\x1b') == std::string::npos);
  }
  Diagnostics beyond;
  beyond.error({file, 99, 1, 1}, "no such line");
  REQUIRE(beyond.render().starts_with("f:99:1: error: no such line\n"));
}

TEST_CASE("a slip of the hand is recognised, another word is not") {
  const std::vector<std::string> names = {"momentum", "learning_rate", "nesterov", "sgd"};
  REQUIRE(closest_name("momentun", names) == "momentum");
  REQUIRE(closest_name("mometnum", names) == "momentum");
  REQUIRE(closest_name("learning-rate", names) == "learning_rate");
  REQUIRE(closest_name("sdg", names) == "sgd");
  REQUIRE_FALSE(closest_name("weight_decay", names).has_value());
  REQUIRE_FALSE(closest_name(std::string(1000, 'a'), names).has_value());
}
