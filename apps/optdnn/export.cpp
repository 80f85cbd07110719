// optdnn export RUN: the weights of a run for other programs.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "command.h"
#include "optdnn/experiment/weights.h"

namespace optdnn::app {

void add_export(CLI::App& app, int& status) {
  struct Options {
    std::string run, weights = "last.safetensors", to, names = "own";
  };
  const auto options = std::make_shared<Options>();
  app.add_option("RUN", options->run, "a run's folder, runs/<config>/<row>/seed-<n>")->required();
  app.add_option("--to", options->to, "the file that is written")->required();
  app.add_option("--weights", options->weights, "a file in its checkpoints/")->capture_default_str();
  app.add_option("--names", options->names, "own, or timm: those of timm's ConvNeXt and ViT")
      ->check(CLI::IsMember({"own", "timm"}))
      ->capture_default_str();
  app.callback([options, &status] {
    const auto names = options->names == "timm" ? experiment::WeightNames::timm : experiment::WeightNames::own;
    experiment::export_weights(options->run, options->weights, names, options->to);
    std::cout << options->to << " is written\n";
    status = 0;
  });
}

}  // namespace optdnn::app
