// optdnn eval RUN: a split of the data set through the weights in a run's folder.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "command.h"
#include "optdnn/experiment/run.h"
#include "tables.h"

namespace optdnn::app {

void add_eval(CLI::App& app, int& status) {
  struct Options {
    std::string run, weights = "last.safetensors", split = "test", sample;
    Where where;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("RUN", options->run, "a run's folder, runs/<config>/<row>/seed-<n>")->required();
  app.add_option("--weights", options->weights, "a file in its checkpoints/, by our names or timm's")
      ->capture_default_str();
  app.add_option("--split", options->split, "train (as it is, not augmented), valid or test")->capture_default_str();
  app.add_option("--sample", options->sample, "write the first batch with its outputs to this safetensors file");
  add_data_option(app, options->where);
  add_device_options(app, options->where);
  app.add_flag("--json", options->json, "print JSON");
  app.callback([options, &status] {
    const auto result = experiment::evaluate_run(options->run, options->weights, run_options(options->where),
                                                 options->split, options->sample);
    if (options->json) {
      std::cout << result.dump(2) << '\n';
    } else {
      for (const auto& [name, value] : result.items())
        std::cout << name << ": " << (value.is_string() ? value.get<std::string>() : value.dump()) << '\n';
    }
    status = 0;
  });
}

}  // namespace optdnn::app
