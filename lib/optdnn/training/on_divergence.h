// What the YAML key `train.on_divergence` holds: `stop`, `{skip: n}` or `{rollback: n}`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "optdnn/config/fields.h"

namespace optdnn::training {

// Nothing set: stop. A skipped update leaves weights, moments and statistics as they were before its iteration. A
// rollback goes back to the last checkpoint and on with batches drawn anew.
struct OnDivergence {
  static constexpr std::string_view kHelp = "what a loss that is not finite does to a run";
  std::optional<int64_t> skip, rollback;

  template <class Fields>
  void fields(Fields& f) {
    f("skip", skip, config::between(1, 1e9), "leave out at most so many updates");
    f("rollback", rollback, config::between(1, 1000),
      "go back to the last checkpoint, and on with other random batches, at most so many times");
  }
  void check(config::Checker& c) const;
  bool stops() const { return !skip && !rollback; }
};

void read_value(config::Reader& reader, const config::Node& node, OnDivergence& policy);
config::Node dump_value(const OnDivergence& policy);
nlohmann::json schema_value(const OnDivergence&);
std::string type_text(const OnDivergence&);

}  // namespace optdnn::training
