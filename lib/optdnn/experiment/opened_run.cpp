#include "optdnn/experiment/opened_run.h"

#include <numeric>

#include "optdnn/base/text.h"
#include "optdnn/experiment/job.h"
#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/weights.h"
#include "optdnn/training/precision.h"
#include "optdnn/training/safetensors.h"

namespace optdnn::experiment {

namespace fs = std::filesystem;
using torch::Tensor;

namespace {

data::DataSetSpec without_augmentation(data::DataSetSpec spec) {
  std::visit(
      [](auto& s) {
        if constexpr (requires { s.augment; }) s.augment.clear();
      },
      spec);
  return spec;
}

data::Preparation stored_preparation(const fs::path& weights) {
  const auto metadata = training::read_safetensors(weights).metadata;
  const auto found = metadata.find("preparation");
  return found == metadata.end() ? data::Preparation{} : data::read_preparation(found->second, weights.string());
}

Tensor in_units(const Tensor& values_NK, const data::Preparation& preparation) {
  if (preparation.target_mean.empty()) return values_NK;
  return values_NK * torch::tensor(preparation.target_deviation, torch::kFloat64) +
         torch::tensor(preparation.target_mean, torch::kFloat64);
}

Tensor wide(const Tensor& values) { return values.cpu().to(torch::kFloat64); }

}  // namespace

PlacedData data_of_run(const fs::path& folder, const data::DataSetSpec& spec, const RunOptions& options) {
  const auto summary = summary_of({folder});
  const auto remembered = [&](const nlohmann::json::json_pointer& key) {
    return summary.is_object() && summary.contains(key) && summary[key].is_string()
               ? fs::path(summary[key].get<std::string>())
               : fs::path();
  };
  PlacedData placed{spec, options.data};
  if (placed.root.empty()) {
    placed.root = remembered(nlohmann::json::json_pointer("/data"));
    if (!fs::exists(placed.root)) placed.root = "data";
  }
  const auto find = [&](data::FilePath& file, const char* key) {
    for (const fs::path& place : {fs::path(file.path), placed.root / fs::path(file.path).filename(),
                                  remembered(nlohmann::json::json_pointer(base::concat("/dataset/", key)))}) {
      if (!fs::exists(place)) continue;
      file.path = fs::absolute(place).string();
      return;
    }
  };
  std::visit(
      [&](auto& s) {
        if constexpr (requires { s.own; }) {
          if constexpr (requires { s.file; }) find(s.file, "file");
          if constexpr (requires { s.train; }) find(s.train, "train");
          if (s.test) find(*s.test, "test");
        }
      },
      placed.spec);
  return placed;
}

OpenedRun open_run(const fs::path& folder, const std::string& weights, const RunOptions& options, bool with_data) {
  OpenedRun run{folder, weights, stored_experiment(folder), torch::Device(options.device), {}, {}, {}, nullptr};
  run.shape = data::dataset_shape(run.spec.dataset);
  if (with_data) {
    const PlacedData placed = data_of_run(folder, without_augmentation(run.spec.dataset), options);
    run.dataset = data::make_dataset(placed.spec, placed.root, options.device);
    run.shape = run.dataset->shape();
  }
  set_threads(options, run.shape);
  training::set_gpu_kernels(run.spec.train, run.device);
  run.network = make_network(run.spec, network_shape(run.shape), run.spec.seeds.front());
  torch::nn::Module& module = *run.network.module.ptr();
  training::prepare_network(module, run.device, run.spec.train.precision, run.spec.train.channels_last);
  load_named_weights(module, folder / "checkpoints" / weights);
  run.preparation = stored_preparation(folder / "checkpoints" / weights);
  if (run.dataset && run.preparation.json() == data::Preparation{}.json()) {
    run.preparation = run.dataset->preparation();
  }
  module.eval();
  return run;
}

Tensor by_batches(const OpenedRun& run, const Tensor& inputs, const std::function<Tensor(const Tensor&)>& of) {
  const torch::NoGradGuard no_grad;
  const training::TrainSpec& train = run.spec.train;
  std::vector<Tensor> parts;
  for (const Tensor& part : inputs.split(run.spec.evaluate.batch_size)) {
    const Tensor batch = training::prepared(part, run.device, train.precision, train.channels_last);
    const training::Autocast autocast(train.precision, run.device);
    parts.push_back(of(batch));
  }
  return torch::cat(parts);
}

Tensor outputs_of(OpenedRun& run, const Tensor& inputs) {
  const auto around = around_forward(run.network, run.spec.train);
  const Tensor all = by_batches(run, inputs, [&](const Tensor& batch) {
    const auto forward = [&](const Tensor& x) {
      return training::forward_pass(run.network.module, x, run.spec.train.precision, run.device, around);
    };
    const Tensor outputs = forward(batch);
    return wide(run.spec.evaluate.flip_average && batch.dim() == 4 ? (outputs + forward(batch.flip(3))) / 2 : outputs);
  });
  return run.shape.regression ? in_units(all, run.preparation) : all;
}

Outputs outputs_on(OpenedRun& run, data::Split split, const std::function<void(const data::Batch&)>& also) {
  if (run.dataset->size(split) == 0) throw no_validation_set();
  std::vector<Tensor> outputs, targets;
  for (int64_t first = 0; first < run.dataset->size(split); first += run.spec.evaluate.batch_size) {
    std::vector<int64_t> samples(std::min(run.spec.evaluate.batch_size, run.dataset->size(split) - first));
    std::iota(samples.begin(), samples.end(), first);  // in their natural order
    const data::Batch batch = data::finished(run.dataset->batch(split, run.spec.seeds.front(), 0, samples));
    outputs.push_back(outputs_of(run, batch.inputs));
    targets.push_back(run.shape.regression ? in_units(wide(batch.targets), run.preparation) : batch.targets.cpu());
    if (also) also(batch);
  }
  return {torch::cat(outputs), torch::cat(targets)};
}

std::vector<std::string> class_names(const OpenedRun& run) {
  if (run.shape.regression) return {};
  std::vector<std::string> names = run.preparation.classes;
  for (int64_t c = std::ssize(names); c < run.shape.outputs; ++c) names.push_back(std::to_string(c));
  return names;
}

data::Split split_of(const std::string& name) {
  const data::Split* split = data::enum_names(data::Split{}).find(name);
  if (split) return *split;
  throw base::ConfigError(base::concat("unknown split '", name, "'"), data::enum_names(data::Split{}).hint(name));
}

}  // namespace optdnn::experiment
