// optdnn export RUN --to FILE: the network of a run for other programs.
//   net.safetensors   the weights, with the network described in the metadata
//   net.py            a torch module that reads as the equations; its weights in net.safetensors beside it
//   net.onnx          by torch's exporter
// The latter two are written by scripts/export.py and compared with the program on test samples.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "command.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/export_run.h"
#include "options.h"
#include "output_file.h"
#include "python.h"
#include "tables.h"

namespace optdnn::app {

namespace fs = std::filesystem;

namespace {

// A folder of this process, gone with all it holds at the end.
struct Scratch {
  fs::path path = fs::temp_directory_path() / base::concat("optdnn-export-", ::getpid());
  Scratch() { fs::create_directories(path); }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

int export_network(experiment::ExportRequest request, const fs::path& to, const Where& where, bool json) {
  const std::string ending = to.extension().string();
  const bool keep_samples = !request.samples.empty();
  const fs::path weights = fs::path(to).replace_extension(".safetensors"), samples = request.samples;
  if (keep_samples && fs::weakly_canonical(samples) == fs::weakly_canonical(weights)) {
    throw base::ConfigError(base::concat("--keep-samples ", samples.string(), ": the weights are written there"),
                            "another name");
  }
  if (ending == ".safetensors" || ending == ".py") check_output_file("--to", weights, kSafetensors);
  if (keep_samples) check_output_file("--keep-samples", samples, kSafetensors);
  if (ending == ".safetensors") {
    request.to = to;
    experiment::export_run(request, run_options(where));
    std::cout << to.string() << " is written\n";
    return 0;
  }
  if (ending != ".py" && ending != ".onnx") {
    throw base::ConfigError(base::concat("--to '", to.string(), "' ends in nothing that can be written"),
                            "net.safetensors, net.py or net.onnx");
  }
  if (request.names != experiment::WeightNames::own)
    throw base::ConfigError("--names timm goes with --to net.safetensors: net.py and net.onnx have our names");
  if (to.stem() == "torch" || to.stem() == "numpy") {
    throw base::ConfigError(
        base::concat("--to '", to.string(), "' would stand in the way of Python's ", to.stem().string()),
        "another name");
  }
  check_output_file("--to", to, ending == ".py" ? kPython : kOnnx);
  const Scratch scratch;
  request.to = scratch.path / to.filename().replace_extension(".safetensors");
  if (request.count > 0 && !keep_samples)
    request.samples = scratch.path / (to.stem().string() + "-samples.safetensors");
  experiment::export_run(request, run_options(where));
  std::vector<std::string> words = {request.to.string(), "--to", to.string()};
  if (!request.samples.empty()) words.insert(words.end(), {"--samples", request.samples.string()});
  if (json) words.push_back("--json");
  return run_script("export.py", words, "torch");
}

}  // namespace

void add_export(CLI::App& app, int& status) {
  struct Options {
    experiment::ExportRequest request;
    std::string to, names = "own";
    Where where;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("RUN", options->request.run, "a run's folder, runs/<config>/<row>/seed-<n>")->required();
  app.add_option("--to", options->to, "net.safetensors, net.py (weights beside it) or net.onnx")->required();
  app.add_option("--weights", options->request.weights, "a file in its checkpoints/, by our names or timm's")
      ->capture_default_str();
  app.add_option("--names", options->names, "own, or timm: those of timm's ConvNeXt and ViT")
      ->check(CLI::IsMember({"own", "timm"}))
      ->capture_default_str();
  take_whole_numbers(
      app.add_option("--samples", options->request.count, "test samples on which the result is compared; 0: none"), 0,
      100'000)
      ->capture_default_str();
  app.add_option("--keep-samples", options->request.samples,
                 "write these samples with the program's outputs to this safetensors file");
  add_data_of_run_option(app, options->where);
  app.add_flag("--json", options->json, "print the comparison as JSON");
  app.callback([options, &status] {
    options->request.names = options->names == "timm" ? experiment::WeightNames::timm : experiment::WeightNames::own;
    options->where.device = "cpu";
    status = export_network(options->request, options->to, options->where, options->json);
  });
}

}  // namespace optdnn::app
