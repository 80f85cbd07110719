#include "optdnn/experiment/predict.h"

#include <cmath>

#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/baselines/kept_states.h"
#include "optdnn/data/own_data.h"
#include "optdnn/data/picture_folder.h"
#include "optdnn/data/write_npz.h"
#include "optdnn/training/precision.h"

namespace optdnn::experiment {

namespace fs = std::filesystem;
using base::concat;
using torch::Tensor;

namespace {

struct GivenSamples {
  Tensor inputs;  // prepared
  std::vector<std::string> names = {};
  Tensor targets = {};
};

// Samples from a file or folder of the user's own, prepared as those of the training were.
GivenSamples read_input(const OpenedRun& run, const fs::path& input) {
  if (run.shape.input.size() == 3 && fs::is_directory(input)) {
    if (run.preparation.json() == data::Preparation{}.json()) {
      throw base::EnvironmentError(
          concat(run.weights, " of ", run.folder.string(), " does not say how pixels were prepared"),
          "it is of an earlier version; train the run again");
    }
    const int64_t resize_px = std::visit(
        [&](const auto& spec) {
          if constexpr (requires { spec.resize_px; }) return spec.resize_px;
          return run.shape.input[1];
        },
        run.spec.dataset);
    auto pictures = data::read_picture_folder(input, run.shape.input, resize_px, run.preparation);
    return {pictures.inputs_NCHW, pictures.names};
  }
  return std::visit(
      [&](const auto& spec) -> GivenSamples {
        if constexpr (requires { data::read_own_samples(spec, input, run.preparation); }) {
          const auto [inputs, targets] = data::read_own_samples(spec, input, run.preparation);
          if (inputs.sizes().slice(1).vec() != run.shape.input) {
            throw base::EnvironmentError(concat(input.string(), " holds samples of ",
                                                data::shape_text(inputs.sizes().slice(1).vec()),
                                                ", and the network takes ", data::shape_text(run.shape.input)));
          }
          return {inputs, {}, targets};
        }
        throw base::ConfigError(
            concat("--input: the run's data set '", spec.kName, "' is read from no file of yours"),
            run.shape.input.size() == 3 ? "a folder of pictures is taken" : "--split train, valid or test");
      },
      run.spec.dataset);
}

// One vector a sample: means over the pixels of images, over the tokens of sequences.
Tensor pooled(const Tensor& state) {
  if (state.dim() == 4) return state.mean(torch::IntArrayRef{2, 3});
  return state.dim() == 3 ? state.mean(1) : state;
}

// The states of a batch by stage.
std::vector<std::vector<Tensor>> paths_of(models::Network& network, const Tensor& inputs) {
  if (network.opt_net) return network.opt_net->stage_paths(inputs);
  const baselines::KeptStates kept;
  network.forward(inputs);
  return kept.paths();
}

// Of a batch. Shapes: B x ...
Tensor features_of(models::Network& network, const Tensor& inputs, const std::string& which) {
  const auto paths = paths_of(network, inputs);
  if (which == "head") return pooled(paths.back().back());
  if (which == "path") {
    std::vector<Tensor> all;
    for (const auto& path : paths) {
      for (const Tensor& state : path) all.push_back(state);
    }
    for (const Tensor& state : all) {
      if (state.sizes() == all.front().sizes()) continue;
      throw base::ConfigError("--features path: the network's states differ in their sizes",
                              concat("stage_0 to stage_", paths.size() - 1, " are the last state of each stage"));
    }
    return torch::stack(all, 1);
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    if (which == concat("stage_", i)) return paths[i].back();
  }
  throw base::ConfigError(
      concat("--features: the network has no '", which, "'"),
      paths.size() == 1 ? "head, path, stage_0" : concat("head, path, or stage_0 to stage_", paths.size() - 1));
}

Tensor all_features(OpenedRun& run, const Tensor& inputs, const std::string& which) {
  return by_batches(run, inputs, [&](const Tensor& batch) {
    return features_of(run.network, batch, which).cpu().to(torch::kFloat32).contiguous();
  });
}

void check_finite(const OpenedRun& run, const Tensor& outputs) {
  if (outputs.isfinite().all().item<bool>()) return;
  throw base::DivergedError(
      concat("outputs of the network of ", run.weights, " of ", run.folder.string(), " are not finite"));
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

constexpr int64_t kMaxCsvFeatures = 16384;

class CsvLines {
 public:
  explicit CsvLines(const Prediction& p) : p_(p), classes_(!p.classes.empty()) {
    if (p.features.defined()) features_ = p.features.flatten(1);
    if (features_.defined() && features_.size(1) > kMaxCsvFeatures) {
      throw base::ConfigError(concat("a sample has ", base::with_thousands(features_.size(1)), " features"),
                              "--to p.npz takes them");
    }
    if (classes_) {
      probabilities_ = p.outputs.softmax(1);
      answers_ = p.outputs.argmax(1);
    }
  }

  std::string text() const {
    std::string text = header();
    for (int64_t i = 0; i < p_.outputs.size(0); ++i) text += line(i);
    return text;
  }

 private:
  std::string header() const {
    std::vector<std::string> names = {"sample"};
    if (!p_.names.empty()) names.emplace_back("file");
    const int64_t outputs = p_.outputs.size(1);
    const auto numbered = [&](const std::string& name, int64_t i) {
      return outputs == 1 ? name : concat(name, "_", i);
    };
    if (p_.targets.defined()) {
      for (int64_t i = 0; i < (classes_ ? 1 : outputs); ++i)
        names.push_back(classes_ ? "target" : numbered("target", i));
    }
    for (int64_t i = 0; i < (classes_ ? 1 : outputs); ++i) {
      names.push_back(classes_ ? "prediction" : numbered("prediction", i));
    }
    for (const std::string& name : p_.classes) names.push_back("p_" + name);
    for (int64_t i = 0; features_.defined() && i < features_.size(1); ++i) names.push_back(concat("feature_", i));
    return joined(names);
  }

  std::string line(int64_t i) const {
    std::vector<std::string> cells = {std::to_string(i)};
    if (!p_.names.empty()) cells.push_back(p_.names[i]);
    if (classes_) {
      if (p_.targets.defined()) {
        const auto target = p_.targets[i].item<int64_t>();
        cells.push_back(target < 0 ? "" : p_.classes[target]);
      }
      cells.push_back(p_.classes[answers_[i].item<int64_t>()]);
      add_numbers(probabilities_[i], cells);
    } else {
      if (p_.targets.defined()) add_numbers(p_.targets[i], cells);
      add_numbers(p_.outputs[i], cells);
    }
    if (features_.defined()) add_numbers(features_[i], cells);
    return joined(cells);
  }

  static void add_numbers(const Tensor& row, std::vector<std::string>& cells) {
    const Tensor wide = row.to(torch::kFloat64).contiguous();
    for (int64_t i = 0; i < wide.numel(); ++i) {
      const double number = wide.const_data_ptr<double>()[i];
      cells.push_back(std::isnan(number) ? "" : base::number_text(number));
    }
  }

  static std::string joined(const std::vector<std::string>& cells) {
    std::string line;
    for (const std::string& cell : cells) line += (line.empty() ? "" : ",") + csv_cell(cell);
    return line + "\n";
  }

  const Prediction& p_;
  bool classes_;
  Tensor probabilities_, answers_, features_;
};

data::NpzContent arrays_of(const Prediction& p) {
  data::NpzContent content;
  content.numbers["outputs"] = p.outputs;
  if (p.targets.defined()) content.numbers["targets"] = p.targets;
  if (p.features.defined()) content.numbers["features"] = p.features;
  if (!p.classes.empty()) {
    content.numbers["probabilities"] = p.outputs.softmax(1);
    content.numbers["predictions"] = p.outputs.argmax(1);
    content.texts["classes"] = p.classes;
  }
  if (!p.names.empty()) content.texts["files"] = p.names;
  return content;
}

}  // namespace

Prediction predict(OpenedRun& run, const PredictionOptions& options) {
  Prediction prediction;
  prediction.classes = class_names(run);
  if (options.input) {
    GivenSamples given = read_input(run, *options.input);
    prediction.names = std::move(given.names);
    prediction.targets = given.targets;
    prediction.outputs = outputs_of(run, given.inputs);
    check_finite(run, prediction.outputs);
    if (!options.features.empty()) prediction.features = all_features(run, given.inputs, options.features);
    return prediction;
  }
  std::vector<Tensor> features;
  const Outputs all = outputs_on(run, split_of(options.split), [&](const data::Batch& batch) {
    if (!options.features.empty()) features.push_back(all_features(run, batch.inputs, options.features));
  });
  check_finite(run, all.outputs);
  prediction.outputs = all.outputs;
  prediction.targets = all.targets;
  if (!features.empty()) prediction.features = torch::cat(features);
  return prediction;
}

void check_prediction_file(const fs::path& path, const std::vector<fs::path>& kept) {
  for (const fs::path& file : kept) {
    std::error_code none;  // of them is there, so that nothing can be lost
    if (fs::equivalent(path, file, none)) {
      throw base::ConfigError(concat("--to ", path.string(), " is the file that the samples are read from"),
                              "--to predictions.csv");
    }
  }
  if (path.extension() == ".csv" || path.extension() == ".npz") return;
  throw base::ConfigError(concat("--to ", path.string(), ": predictions are written as .csv or .npz"),
                          "--to predictions.csv");
}

void write_prediction(const fs::path& path, const Prediction& prediction) {
  check_prediction_file(path);
  if (path.extension() == ".npz") return data::write_npz(path, arrays_of(prediction));
  base::write_file_atomically(path, CsvLines(prediction).text());
}

}  // namespace optdnn::experiment
