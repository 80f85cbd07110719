// Any bytes as a config: read, expanded with an override, read as a struct, dumped and read again. Nothing may crash,
// and what was accepted must survive its dump. A first line "--set KEY=VALUE" is the override.
#include <cstdlib>
#include <variant>

#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/config/read.h"
#include "optdnn/config/reader.h"
#include "optdnn/config/table.h"

using namespace optdnn;
using namespace optdnn::config;

namespace {

struct Sgd {
  static constexpr std::string_view kName = "sgd";
  double learning_rate = 0.1;
  bool nesterov = false;
  template <class Fields>
  void fields(Fields& f) {
    f("learning_rate", learning_rate, above(0), "step size");
    f("nesterov", nesterov, "look ahead");
  }
};

struct AdamW {
  static constexpr std::string_view kName = "adamw";
  std::pair<double, double> betas{0.9, 0.999};
  template <class Fields>
  void fields(Fields& f) {
    f("betas", betas, "decays");
  }
};

struct Experiment {
  std::variant<Sgd, AdamW> optimizer;
  OneOrMany<int> depth = 3;
  std::vector<uint64_t> seeds{0};
  std::map<std::string, std::string> notes;
  std::optional<std::string> title;
  Node algorithm;
  template <class Fields>
  void fields(Fields& f) {
    f("optimizer", optimizer, "optimizer");
    f("depth", depth, at_least(1), "steps");
    f("seeds", seeds, not_empty(), "seeds");
    f("notes", notes, "notes");
    f("title", title, "title");
    f("algorithm", algorithm, "anything");
  }
};

std::shared_ptr<const base::SourceText> source_of(std::string text) {
  return std::make_shared<const base::SourceText>(base::SourceText{"fuzz.yaml", std::move(text)});
}

void require(bool condition) {
  if (!condition) std::abort();
}

// Every stretch of every scalar has a place inside the file.
void locate_all(const Node& node, int& budget) {
  if (--budget < 0) return;
  for (size_t i = 0; node.is_scalar() && i <= node.text().size() && i < 64; ++i) {
    const base::SourceSpan place = node.locate(i, 1);
    require(!place.source || place.line >= 1);
  }
  for (const Node& item : node.items()) locate_all(item, budget);
  for (const Node::Entry& entry : node.entries()) locate_all(entry.value, budget);
}

void check_row(const Node& config, base::Diagnostics& diagnostics) {
  const auto experiment = read<Experiment>(config, diagnostics, "experiment");
  diagnostics.render();
  if (diagnostics.has_errors()) return;
  const Node dumped = dump(experiment);
  const Node again = read_yaml(source_of(to_yaml(dumped, &config)), diagnostics);
  require(!diagnostics.has_errors() && again == dumped);
  require(canonical_json(again) == canonical_json(dumped));
  require(canonical_json(dump(read<Experiment>(again, diagnostics, "experiment"))) == canonical_json(dumped));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> sets;
  if (text.starts_with("--set ")) {
    const size_t end = std::min(text.find('\n'), text.size());
    sets.push_back(text.substr(6, end - 6));
    text.erase(0, std::min(end + 1, text.size()));
  }
  base::Diagnostics diagnostics;
  const Node file = read_yaml(source_of(text), diagnostics);
  int budget = 1000;
  locate_all(file, budget);
  const TableFile table = expand(file, sets, diagnostics);
  diagnostics.render();
  for (size_t i = 0; i < table.rows.size() && i < 4; ++i) check_row(table.rows[i].config, diagnostics);
  return 0;
}
