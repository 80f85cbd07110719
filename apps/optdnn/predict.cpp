// optdnn predict RUN: what the run's network says of samples, one by one, and its features.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "command.h"
#include "optdnn/base/text.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/predict.h"
#include "output_file.h"
#include "tables.h"

namespace optdnn::app {

void add_predict(CLI::App& app, int& status) {
  struct Options {
    std::string run, weights = "last.safetensors", to, input;
    experiment::PredictionOptions prediction;
    Where where;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("RUN", options->run, "a run's folder, runs/<config>/<row>/seed-<n>")->required();
  app.add_option("--to", options->to, "the file that is written, .csv or .npz")->required();
  auto* split = app.add_option("--split", options->prediction.split, "train, valid or test")->capture_default_str();
  app.add_option("--input", options->input,
                 "other samples: a CSV or .npz file as the data set's, or a folder of pictures")
      ->excludes(split);
  app.add_option("--features", options->prediction.features,
                 "also states of the network: head (the last, mean over pixels), stage_<i> (the last of a stage, or of "
                 "an mdeq's scale), or path (all)");
  app.add_option("--weights", options->weights, "a file in its checkpoints/")->capture_default_str();
  add_data_of_run_option(app, options->where);
  add_device_options(app, options->where);
  app.callback([options, &status] {
    experiment::check_prediction_file(options->to, {options->input});
    if (!options->input.empty()) options->prediction.input = options->input;
    const auto run_with = run_options(options->where);
    auto run = experiment::open_run(options->run, options->weights, run_with, options->input.empty());
    experiment::check_prediction_file(options->to, data::own_files(run.spec.dataset));
    check_output_file("--to", options->to, options->to.ends_with(".npz") ? kNpz : kPredictions);
    const auto prediction = experiment::predict(run, options->prediction);
    experiment::write_prediction(options->to, prediction);
    std::cout << base::with_thousands(prediction.outputs.size(0)) << " samples in " << options->to << '\n';
    status = 0;
  });
}

}  // namespace optdnn::app
