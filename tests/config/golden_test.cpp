// Whole texts: every broken config of golden/config/errors with its message, and the pages made from the fields.
//   OPTDNN_UPDATE_GOLDEN=1 test_config   rewrites them
#include <set>

#include "config/support.h"
#include "optdnn/config/help.h"
#include "optdnn/config/schema.h"
#include "optdnn/config/table.h"

using namespace optdnn;
using namespace optdnn::config;

namespace {

const std::string kGolden = "tests/golden/config/";

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Lines "# --set KEY=VALUE" of a file are overrides.
std::vector<std::string> sets_of(const std::string& text) {
  std::vector<std::string> sets;
  for (const std::string& line : base::split(text, '\n')) {
    if (line.starts_with("# --set ")) sets.push_back(line.substr(8));
  }
  return sets;
}

// What a program does with a config: read, expand, read each row.
std::string messages_of(const std::string& name, const std::string& text) {
  base::Diagnostics diagnostics;
  const Node file = read_yaml(source_of(text, name), diagnostics);
  for (const ExpandedRow& row : expand(file, sets_of(text), diagnostics).rows) {
    read<sample::Experiment>(row.config, diagnostics, "experiment");
  }
  return diagnostics.has_errors() ? diagnostics.render() + diagnostics.summary() + "\n" : "";
}

}  // namespace

TEST_CASE("every broken config is refused with its golden message") {
  std::filesystem::current_path(OPTDNN_SOURCE_DIR);
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden + "errors")) {
    if (entry.path().extension() == ".yaml") names.insert(entry.path().stem().string());
  }
  REQUIRE(names.size() >= 30);
  for (const std::string& name : names) {
    const std::string path = kGolden + "errors/" + name;
    const std::string messages = messages_of(path + ".yaml", slurp(path + ".yaml"));
    INFO(name);
    CHECK(!messages.empty());
    check_golden(path + ".txt", messages);
  }
}

TEST_CASE("the mistake of the design reads exactly as the design says") {
  const std::string text = R"(table: Table 3
defaults:
  dataset: cifar10
  depth: 3
rows:
  - id: a
    depth: 1
  - id: b
    depth: 2
  - id: c
    depth: 3
  - id: d
    depth: 4
  - id: e
    depth: 5
- id: f
  optimizer: {name: sgd, momentun: 0.9}
)";
  // The list may stand at the margin, too.
  std::string valid = text;
  for (size_t at = valid.find("\n  - id"); at != std::string::npos; at = valid.find("\n  - id")) valid.erase(at + 1, 2);
  for (size_t at = valid.find("\n    depth"); at != std::string::npos; at = valid.find("\n    depth"))
    valid.erase(at + 1, 2);
  CHECK(messages_of("configs/table_3.yaml", valid) ==
        "configs/table_3.yaml:17:26: error: unknown key 'momentun' in optimizer 'sgd'\n"
        "   17 |   optimizer: {name: sgd, momentun: 0.9}\n"
        "      |                          ^~~~~~~~\n"
        "   hint: did you mean 'momentum'? keys: name, learning_rate, momentum, nesterov, weight_decay\n"
        "1 error in 1 file; nothing was run\n");
}

TEST_CASE("help and schema of the sample are golden") {
  std::filesystem::current_path(OPTDNN_SOURCE_DIR);
  check_golden(kGolden + "help.txt", help<sample::Experiment>());
  check_golden(kGolden + "schema.json", json_schema<sample::Experiment>().dump(2) + "\n");
}

TEST_CASE("the dump says where each value is from") {
  std::filesystem::current_path(OPTDNN_SOURCE_DIR);
  const std::string path = kGolden + "dump.yaml";
  base::Diagnostics diagnostics;
  const std::vector<std::string> sets{"optimizer.learning_rate=0.05", "train.length={iterations: 100}"};
  const TableFile table = expand(read_yaml_file(path, diagnostics), sets, diagnostics);
  std::string dumps;
  for (const ExpandedRow& row : table.rows) {
    const auto experiment = read<sample::Experiment>(row.config, diagnostics, "experiment");
    const std::string yaml = to_yaml(dump(experiment), &row.config);
    CHECK(parse_as<sample::Experiment>(yaml) == experiment);
    dumps += base::concat("# ", row.id, "\n", yaml);
  }
  INFO(diagnostics.render());
  CHECK(!diagnostics.has_errors());
  check_golden(kGolden + "dump.txt", dumps);
}
