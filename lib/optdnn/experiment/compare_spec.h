// The YAML key `compare`: the row that a row stands beside. It changes no run; reports read it.
#pragma once

#include <string>

#include "optdnn/config/reader.h"

namespace optdnn::experiment {

enum class ComparedCost { parameters, multiply_adds };
const base::NameTable<ComparedCost>& enum_names(ComparedCost);

struct CompareSpec {
  static constexpr std::string_view kHelp = "the row this one is compared with; rows with one `to` are a block";
  std::string to;
  ComparedCost cost = ComparedCost::multiply_adds;

  template <class Fields>
  void fields(Fields& f) {
    f.required("to", to, config::not_empty(), "a row of the table; of a sweep, the one at the same values");
    f("cost", cost, "what must be equal: over 2 % apart is a warning, over 10 % an error");
  }
};

}  // namespace optdnn::experiment
