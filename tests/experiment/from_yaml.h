// An experiment from its YAML.
#pragma once

#include "optdnn/config/read.h"
#include "optdnn/experiment/table.h"
#include "support/catch.h"

namespace optdnn::tests {

inline experiment::ExperimentSpec read_experiment(const std::string& yaml) {
  base::Diagnostics diagnostics;
  const auto text = std::make_shared<const base::SourceText>(base::SourceText{"test.yaml", yaml});
  const auto spec = experiment::read_experiment(config::read_yaml(text, diagnostics), diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  return spec;
}

}  // namespace optdnn::tests
