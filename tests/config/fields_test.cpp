// Typed reading: every kind of member, every way to write it wrong.
#include <rapidcheck.h>

#include "config/support.h"
#include "optdnn/config/help.h"
#include "optdnn/config/scalar.h"
#include "optdnn/config/schema.h"

using namespace optdnn;
using namespace optdnn::config;

namespace {

template <class T>
struct Holder {
  T value{};
  template <class Fields>
  void fields(Fields& f) {
    f("value", value, "a value");
  }
};

template <class T>
std::string mistake_of(const std::string& text) {
  return mistake_as<Holder<T>>("value: " + text + "\n");
}

template <class T>
T value_of(const std::string& text) {
  return parse_as<Holder<T>>("value: " + text + "\n").value;
}

// A value of type T, dumped, written, read: the same again.
template <class T>
bool survives(const T& value) {
  Holder<T> holder;
  holder.value = value;
  base::Diagnostics diagnostics;
  const Node node = read_yaml(source_of(to_yaml(dump(holder))), diagnostics);
  const T again = read<Holder<T>>(node, diagnostics, "holder").value;
  return !diagnostics.has_errors() && again == value;
}

}  // namespace

TEST_CASE("booleans are true and false") {
  CHECK(value_of<bool>("true"));
  CHECK(!value_of<bool>("false"));
  for (const char* yes : {"yes", "Yes", "on", "True", "y", "1"}) {
    CHECK(mistake_of<bool>(yes) == base::concat("'value' must be true or false, not '", yes, "' | write true"));
  }
  for (const char* no : {"no", "OFF", "n", "0"}) {
    CHECK(mistake_of<bool>(no) == base::concat("'value' must be true or false, not '", no, "' | write false"));
  }
  CHECK(mistake_of<bool>("'true'") == "'value' must be true or false, not 'true' | remove the quotes");
  CHECK(mistake_of<bool>("[true]") == "'value' must be true or false, not a list");
}

TEST_CASE("integers are decimal digits that fit") {
  CHECK(value_of<int>("-12") == -12);
  CHECK(value_of<int>("0") == 0);
  CHECK(value_of<uint64_t>("18446744073709551615") == 18446744073709551615u);
  CHECK(value_of<int64_t>("-9223372036854775808") == std::numeric_limits<int64_t>::min());
  CHECK(mistake_of<int>("010") ==
        "'value' must be an integer, not '010' | write 10; to some programs a leading zero means octal");
  CHECK(mistake_of<int>("-010") ==
        "'value' must be an integer, not '-010' | write -10; to some programs a leading zero means octal");
  CHECK(mistake_of<int>("0o17") == "'value' must be an integer, not '0o17' | numbers are decimal: write 15");
  CHECK(mistake_of<int>("0xff") == "'value' must be an integer, not '0xff' | numbers are decimal: write 255");
  CHECK(mistake_of<int>("1e3") == "'value' must be an integer, not '1e3' | write integers out: 1000");
  CHECK(mistake_of<int>("2.0") == "'value' must be an integer, not '2.0' | write integers out: 2");
  CHECK(mistake_of<int>("2.5") == "'value' must be an integer, not '2.5'");
  CHECK(mistake_of<int>("1_000") == "'value' must be an integer, not '1_000' | write 1000");
  CHECK(mistake_of<int>("+1") == "'value' must be an integer, not '+1' | write 1");
  CHECK(mistake_of<int>("12px") == "'value' must be an integer, not '12px'");
  CHECK(mistake_of<int>("\"1\"") == "'value' must be an integer, not '1' | remove the quotes");
  CHECK(mistake_of<int>("3000000000") == "'value' must be an integer from -2147483648 to 2147483647, not '3000000000'");
  CHECK(mistake_of<uint64_t>("-1") == "'value' must be >= 0, not '-1'");
  CHECK(mistake_of<uint64_t>("18446744073709551616") ==
        "'value' must be an integer from 0 to 18446744073709551615, not '18446744073709551616'");
}

TEST_CASE("numbers are finite decimals that fit") {
  CHECK(value_of<double>("63.3e6") == 63.3e6);
  CHECK(value_of<double>("1.0e-4") == 1e-4);
  CHECK(value_of<double>("-.5") == -0.5);
  CHECK(value_of<double>("3") == 3);
  for (const char* bad : {".nan", "NaN", ".inf", "-.Inf", "inf", "infinity"}) {
    CHECK(mistake_of<double>(bad) ==
          base::concat("'value' must be a number, not '", bad, "' | only finite numbers are settings"));
  }
  CHECK(mistake_of<double>("1e999") == "'value' must be a number, not '1e999' | it does not fit into a double");
  CHECK(mistake_of<double>("1e-999") == "'value' must be a number, not '1e-999' | it does not fit into a double");
  CHECK(mistake_of<double>("0.1.2") == "'value' must be a number, not '0.1.2'");
  CHECK(mistake_of<double>("0x1p3") == "'value' must be a number, not '0x1p3'");
  CHECK(mistake_of<double>("1e") == "'value' must be a number, not '1e'");
  CHECK(mistake_of<double>("0,5") == "'value' must be a number, not '0,5'");
  CHECK(mistake_of<double>("00.5") ==
        "'value' must be a number, not '00.5' | write 0.5; to some programs a leading zero means octal");
}

TEST_CASE("a number text is read as the same double that C++ prints") {
  REQUIRE(rc::check([](double value) { return parse_real(base::number_text(value)) == std::optional(value); }));
  REQUIRE(rc::check([](int64_t value) { return parse_integer(std::to_string(value)) == std::optional(value); }));
  REQUIRE(rc::check([](const std::string& text) {
    const bool typed = scalar_type(text) == ScalarType::integer || scalar_type(text) == ScalarType::real;
    return typed || !parse_real(text);
  }));
}

TEST_CASE("one value or a list of values") {
  CHECK(value_of<OneOrMany<int>>("3").at(7) == 3);
  CHECK(value_of<OneOrMany<int>>("[3, 4]").at(1) == 4);
  CHECK(value_of<OneOrMany<int>>("[3]").is_list);
  CHECK(mistake_of<OneOrMany<int>>("[]") == "'value' must not be empty");
  CHECK(mistake_of<OneOrMany<int>>("[1, x]") == "each of 'value' must be an integer, not 'x'");
}

TEST_CASE("ranges, arrays, optionals, maps and raw nodes") {
  CHECK(value_of<std::pair<double, double>>("[0, 1]") == std::pair(0.0, 1.0));
  CHECK(mistake_of<std::pair<double, double>>("[1, 0]") == "'value' must be [low, high] with low <= high");
  CHECK(value_of<std::array<int, 3>>("[1, 2, 3]") == std::array{1, 2, 3});
  CHECK(mistake_of<std::array<int, 3>>("[1, 2]") == "'value' must have 3 values, not 2");
  CHECK(value_of<std::optional<int>>("1") == 1);
  CHECK(!parse_as<Holder<std::optional<int>>>("{}").value);
  CHECK(value_of<std::map<std::string, int>>("{b: 1, a: 2}") == std::map<std::string, int>{{"a", 2}, {"b", 1}});
  CHECK(value_of<Node>("{free: [1]}").find("free")->items().size() == 1);
  CHECK(value_of<std::string>("110") == "110");
  CHECK(mistake_of<std::string>("{a: 1}") == "'value' must be a text, not a map");
}

TEST_CASE("a choice is a name, or a map with its name") {
  using Optimizer = std::variant<sample::Sgd, sample::AdamW>;
  CHECK(std::get<sample::AdamW>(value_of<Optimizer>("adamw")) == sample::AdamW{});
  CHECK(std::get<sample::Sgd>(value_of<Optimizer>("{name: sgd, momentum: 0}")).momentum == 0);
  CHECK(mistake_of<Optimizer>("{name: sdg}") == "unknown value 'sdg' | did you mean 'sgd'? names: sgd, adamw");
  CHECK(mistake_of<Optimizer>("{momentum: 0}") == "'value' has no name | names: sgd, adamw");
  CHECK(mistake_of<Optimizer>("{name: adamw, momentum: 0}") ==
        "unknown key 'momentum' in value 'adamw' | keys: name, learning_rate, betas");
  CHECK(mistake_of<std::vector<Optimizer>>("[sgd, {name: adamw, learning_rate: 0}]") ==
        "'learning_rate' must be > 0, not 0");
}

TEST_CASE("constraints say what they admit") {
  CHECK(above(0).text() == "> 0");
  CHECK((at_least(0) & less_than(1)).text() == ">= 0 and < 1");
  CHECK(between(1, 5).text() == "from 1 to 5");
  CHECK(at_most(0.5).text() == "<= 0.5");
  CHECK(!above(0).admits(0.0));
  CHECK(at_least(0).admits(0.0));
  CHECK(!less_than(1).admits(1.0));
  CHECK(!between(0, 1).admits(1.5));
  CHECK(!above(0).admits(std::numeric_limits<double>::quiet_NaN()));
}

TEST_CASE("a struct given in part has its own defaults in the rest") {
  const auto train = parse_as<sample::Train>("length: {iterations: 5}\n");
  CHECK(!train.length.epochs);
  CHECK(train.length.iterations == 5);
  CHECK(parse_as<sample::Train>("note: x\n").length.epochs == 1);
}

TEST_CASE("an absent node reads as the default, silently") {
  base::Diagnostics diagnostics;
  static const sample::Experiment kDefaults;
  CHECK(read<sample::Experiment>(Node(), diagnostics, "experiment") == kDefaults);
  CHECK(!diagnostics.has_errors());
}

TEST_CASE("dump and read are inverse on every kind of member") {
  REQUIRE(rc::check([](int v) { return survives(v); }));
  REQUIRE(rc::check([](uint64_t v) { return survives(v); }));
  REQUIRE(rc::check([](double v) { return survives(v); }));
  REQUIRE(rc::check([](bool v) { return survives(v); }));
  REQUIRE(rc::check([](const std::vector<std::string>& raw) {
    std::vector<std::string> texts;  // of ASCII; other bytes need not be UTF-8
    for (std::string text : raw) {
      for (char& c : text) c = static_cast<char>(c & 0x7f);
      std::erase(text, '\0');
      texts.push_back(text);
    }
    return survives(texts);
  }));
  REQUIRE(rc::check([](const std::vector<std::vector<int>>& v) { return survives(v); }));
  REQUIRE(rc::check([](std::array<double, 3> v) { return survives(v); }));
  for (const char* text :
       {"",         " ",   "yes", "no",   "null", "~",    "010",   "1e3",      "true",  "a: b",
        "a #b",     "- x", "[x",  "{x",   "x\ny", "x\n",  "\nx",   "x\n\n",    " x\ny", "x \ny",
        "x\n  y\n", "'",   "\"",  "\\",   "%",    "@",    "`",     "!a",       "&a",    "*a",
        "?",        "|",   ">",   "---",  "...",  "a\tb", "\x01",  "\xc3\xa9", "#",     "y[k] = x\nx[k+1] = T(y)",
        "a\r\nb",   "<<",  "x,y", "0x1F", ".5",   "-",    "--- a", "x:",       ":x",    "\xe2\x80\xa8",
        "\xc2\x85"}) {
    INFO(text);
    CHECK(survives(std::string(text)));
    CHECK(survives(std::map<std::string, std::string>{{text, text}}));
    CHECK(survives(std::vector<std::string>{text, text}));
  }
}

TEST_CASE("the schema of the sample knows its ranges and choices") {
  const nlohmann::json schema = json_schema<sample::Experiment>();
  CHECK(schema["required"] == nlohmann::json{"dataset"});
  CHECK(schema["additionalProperties"] == false);
  CHECK(schema["properties"]["seeds"]["items"]["minimum"] == 0);
  CHECK(schema["properties"]["optimizer"]["oneOf"][0]["enum"] == nlohmann::json{"sgd", "adamw"});
  CHECK(schema["properties"]["dataset"]["oneOf"][0]["enum"] == nlohmann::json{"cifar10"});
  CHECK(schema["properties"]["optimizer"]["oneOf"][1]["properties"]["learning_rate"]["exclusiveMinimum"] == 0);
}
