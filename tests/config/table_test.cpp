// Overrides, tables, sweeps, and the text that is hashed.
#include <rapidcheck.h>

#include <set>

#include "config/support.h"
#include "optdnn/config/json.h"
#include "optdnn/config/merge.h"
#include "optdnn/config/table.h"

using namespace optdnn;
using namespace optdnn::config;

namespace {

Node set(const std::string& tree, const std::string& assignment) {
  base::Diagnostics diagnostics;
  const Node result = apply_set(parse(tree), assignment, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(!diagnostics.has_errors());
  return result;
}

TableFile expanded(const std::string& text, const std::vector<std::string>& sets = {}) {
  base::Diagnostics diagnostics;
  TableFile table = expand(parse(text), sets, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(!diagnostics.has_errors());
  return table;
}

std::vector<std::string> ids(const TableFile& table) {
  std::vector<std::string> ids;
  for (const ExpandedRow& row : table.rows) ids.push_back(row.id);
  return ids;
}

// Trees whose maps hold scalars at one set of keys, lists at another, maps at a third: no key changes its kind.
Node random_tree(int depth) {
  std::vector<Node::Entry> entries;
  for (const char* key : {"s", "t", "name"}) {
    if (*rc::gen::arbitrary<bool>())
      entries.push_back({key, {}, Node::scalar(std::to_string(*rc::gen::inRange(0, 9)))});
  }
  if (*rc::gen::arbitrary<bool>())
    entries.push_back({"list", {}, Node::sequence({Node::scalar(std::to_string(*rc::gen::inRange(0, 9)))})});
  for (const char* key : {"m", "n"}) {
    if (depth > 0 && *rc::gen::arbitrary<bool>()) entries.push_back({key, {}, random_tree(depth - 1)});
  }
  return Node::map(std::move(entries));
}

// Any tree at all, with texts of all kinds.
Node random_node(int depth) {
  const int kind = *rc::gen::inRange(0, depth > 0 ? 5 : 3);
  static const std::vector<std::string> kWords{"a",    "true",  "yes",          "010", "1e3", "-5",
                                               "null", "x: y",  "two\nlines\n", "",    " ",   "#",
                                               "'",    "\"q\"", "\xc3\xa9",     "[",   "0.5"};
  if (kind < 3) {
    const std::string text = *rc::gen::elementOf(kWords);
    return kind == 0 ? Node::scalar(text, Node::Style::quoted) : Node::scalar(text);
  }
  const int size = *rc::gen::inRange(0, 5);
  std::vector<Node> items;
  for (int i = 0; i < size; ++i) items.push_back(random_node(depth - 1));
  if (kind == 3) return Node::sequence(std::move(items));
  std::vector<Node::Entry> entries;
  for (int i = 0; i < size; ++i)
    entries.push_back({base::concat(*rc::gen::elementOf(kWords), i), {}, items[static_cast<size_t>(i)]});
  return Node::map(std::move(entries));
}

}  // namespace

TEST_CASE("a tree written as YAML reads back as the same tree") {
  REQUIRE(rc::check([] {
    const Node node = random_node(4);
    const std::string yaml = to_yaml(node);
    RC_LOG() << yaml;
    base::Diagnostics diagnostics;
    const Node again = read_yaml(source_of(yaml), diagnostics);
    RC_LOG() << diagnostics.render();
    RC_ASSERT(!diagnostics.has_errors());
    RC_ASSERT(again == node);
    RC_ASSERT(to_yaml(again) == yaml);
    RC_ASSERT(read_yaml(source_of(to_flow(node)), diagnostics) == node);
    RC_ASSERT(read_yaml(source_of(to_yaml(node, &again)), diagnostics) == node);
    RC_ASSERT(canonical_json(again) == canonical_json(node));
  }));
}

TEST_CASE("merging is idempotent and, where no key changes its kind, associative") {
  REQUIRE(rc::check([] {
    const Node a = random_tree(3), b = random_tree(3), c = random_tree(3);
    RC_ASSERT(canonical_json(merge(a, a)) == canonical_json(a));
    RC_ASSERT(canonical_json(merge(merge(a, b), b)) == canonical_json(merge(a, b)));
    RC_ASSERT(canonical_json(merge(merge(a, b), c)) == canonical_json(merge(a, merge(b, c))));
    RC_ASSERT(canonical_json(merge(a, Node::map({}))) == canonical_json(a));
  }));
}

TEST_CASE("maps merge by key, but a map with a name and a list replace whole") {
  const Node base = parse("train: {a: 1, b: 2}\noptimizer: {name: sgd, lr: 1, momentum: 2}\ndepth: [1, 2]\n");
  CHECK(merge(base, parse("train: {b: 3}")).find("train")->entries().size() == 2);
  CHECK(*merge(base, parse("optimizer: {name: sgd, lr: 5}")).find("optimizer") == parse("{name: sgd, lr: 5}"));
  CHECK(*merge(base, parse("optimizer: {lr: 5}")).find("optimizer") == parse("{name: sgd, lr: 5, momentum: 2}"));
  CHECK(*merge(base, parse("depth: [3]")).find("depth") == parse("[3]"));
  CHECK(*merge(base, parse("optimizer: adamw")).find("optimizer") == parse("adamw"));
}

TEST_CASE("--set changes one value and says that it did") {
  CHECK(set("a: {b: 1, c: 2}", "a.b=5") == parse("a: {b: 5, c: 2}"));
  CHECK(set("a: 1", "b.c=[1, 2]") == parse("a: 1\nb: {c: [1, 2]}"));
  CHECK(set("o: {name: sgd, lr: 1, m: 2}", "o.lr=5") == parse("o: {name: sgd, lr: 5, m: 2}"));
  CHECK(set("o: sgd", "o.lr=5") == parse("o: {name: sgd, lr: 5}"));
  CHECK(set("o: sgd", "o={name: adamw}") == parse("o: {name: adamw}"));
  CHECK(set("t: a", "t='x = y'").find("t")->text() == "x = y");
  CHECK(set("a: 1", "a=2").find("a")->origin() == "--set");
  CHECK(set("a: 1", "a=2").entries()[0].key_span.text() == "--set:1:1");
  CHECK(to_yaml(parse("a: 7"), nullptr) == "a: 7\n");
  const Node resolved = set("a: 1\nb: 2\n", "a=7");
  CHECK(to_yaml(resolved, &resolved) == "a: 7  # --set\nb: 2  # test.yaml:2\n");
}

TEST_CASE("a single experiment is one row") {
  const TableFile table = expanded("dataset: cifar10\npaper: {test_error_pct: 7}\n", {"depth=5"});
  CHECK(table.table.empty());
  CHECK(ids(table) == std::vector<std::string>{"run"});
  CHECK(table.rows[0].config == parse("dataset: cifar10\ndepth: 5\n"));
  CHECK(table.rows[0].paper.find("test_error_pct")->text() == "7");
}

TEST_CASE("rows override the defaults, and what the paper says is kept apart") {
  const TableFile table = expanded(R"(
table: Table 3
defaults: {dataset: cifar10, optimizer: {name: sgd, momentum: 0.5}, paper: {source: here}}
rows:
  - {id: a}
  - {id: b, optimizer: adamw, paper: {test_error_pct: 6.97}}
)",
                                   {"depth=2"});
  CHECK(table.table == "Table 3");
  CHECK(ids(table) == std::vector<std::string>{"a", "b"});
  CHECK(table.rows[0].config == parse("{dataset: cifar10, optimizer: {name: sgd, momentum: 0.5}, depth: 2}"));
  CHECK(table.rows[1].config == parse("{dataset: cifar10, optimizer: adamw, depth: 2}"));
  CHECK(table.rows[1].paper == parse("{source: here, test_error_pct: 6.97}"));
  CHECK(table.rows[0].config.find("paper") == nullptr);
}

TEST_CASE("grids and zips make readable rows") {
  CHECK(ids(expanded("dataset: x\ngrid: {depth: [3, 5], optimizer.learning_rate: [0.1, 0.2]}\n")) ==
        std::vector<std::string>{"depth=3-learning_rate=0.1", "depth=3-learning_rate=0.2", "depth=5-learning_rate=0.1",
                                 "depth=5-learning_rate=0.2"});
  CHECK(ids(expanded("rows:\n- id: apg2\n  grid: {depth: [3, 5]}\n- id: gd\n")) ==
        std::vector<std::string>{"apg2-depth=3", "apg2-depth=5", "gd"});
  CHECK(ids(expanded("rows: [{id: a}, {id: b}]\nzip: {depth: [[1, 2], [3, 4]], width: [8, 16]}\n")) ==
        std::vector<std::string>{"a-depth=1-2-width=8", "a-depth=3-4-width=16", "b-depth=1-2-width=8",
                                 "b-depth=3-4-width=16"});
  CHECK(ids(expanded("x: 1\ngrid: {a.rate: [1], b.rate: [2], rule: [{name: apg2}, {other: 1}]}\n")) ==
        std::vector<std::string>{"a.rate=1-b.rate=2-rule=apg2", "a.rate=1-b.rate=2-rule=item2"});
  const TableFile table = expanded("optimizer: sgd\ngrid: {optimizer.momentum: [0, 0.5]}\n");
  CHECK(table.rows[1].config == parse("optimizer: {name: sgd, momentum: 0.5}"));
  CHECK(table.rows[1].config.find_path("optimizer.momentum")->origin() == "test.yaml:2");
}

TEST_CASE("a sweep whose names are too long for a folder makes shorter ones, all different") {
  std::string text = "rows: [{id: a}]\ngrid:\n";
  for (int i = 0; i < 12; ++i) text += base::concat("  a_rather_long_key_", i, i < 4 ? ": [0.1, 0.2]\n" : ": [0.1]\n");
  const auto names = ids(expanded(text));
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == 16);
  for (const std::string& name : names) CHECK(name.size() == 120);
}

TEST_CASE("a grid has as many rows as the product of its lists") {
  REQUIRE(rc::check([] {
    const auto lists = *rc::gen::inRange<size_t>(0, 6);
    const auto sizes = *rc::gen::container<std::vector<int>>(lists, rc::gen::inRange(1, 5)).as("sizes");
    std::string text = "rows: [{id: a}, {id: b}]\ngrid:\n  x: [0]\n";
    size_t product = 2;
    for (size_t i = 0; i < sizes.size(); ++i) {
      text += base::concat("  k", i, ": [0");
      for (int v = 1; v < sizes[i]; ++v) text += base::concat(", ", v);
      text += "]\n";
      product *= static_cast<size_t>(sizes[i]);
    }
    base::Diagnostics diagnostics;
    const TableFile table = expand(read_yaml(source_of(text), diagnostics), {}, diagnostics);
    RC_ASSERT(!diagnostics.has_errors());
    RC_ASSERT(table.rows.size() == product);
  }));
}

TEST_CASE("the same value has one canonical text") {
  CHECK(canonical_json(parse("{b: 1, a: [true, x, 0.5]}")) == R"({"a":[true,"x",0.5],"b":1})");
  CHECK(canonical_json(parse("[1, 1.0, 1e0, 10e-1, -0, 0.0]")) == "[1,1,1,1,0,0]");
  CHECK(canonical_json(parse("[1, '1']")) == R"([1,"1"])");
  CHECK(canonical_json(parse("[63.3e6, 63300000]")) == "[63300000,63300000]");
  CHECK(canonical_json(parse("[1e-4, 0.0001, 1.0e-04]")) == "[0.0001,0.0001,0.0001]");
}
