#include "optdnn/experiment/export_run.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/describe.h"
#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/opened_run.h"
#include "optdnn/experiment/weights.h"
#include "optdnn/models/timm_names.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/precision.h"
#include "optdnn/training/seal.h"

namespace optdnn::experiment {

using training::TensorMap;

namespace {

// Errors: ConfigError naming what timm has no name for.
void check_in_timm(const ExperimentSpec& spec, const models::Network& network) {
  const auto refuse = [](const std::string& why) {
    throw base::ConfigError(base::concat("--names timm: ", why),
                            "ConvNeXt and ViT, and their twins, have names there; --names own");
  };
  if (spec.model) refuse("a baseline of ours is none of timm's networks");
  const auto rule = rule_of(spec);
  if (rule->families().size() != 1) refuse(base::concat("rule '", rule->name(), "' has several modules a step"));
  const modules::ModuleSpec module = modules_of(spec, *rule).front();
  if (modules::module_sharing(module) != modules::Sharing::per_step) refuse("its modules are shared by the steps");
  const bool convnext = std::holds_alternative<modules::ConvNextSpec>(module) && spec.stem &&
                        std::holds_alternative<models::PatchifyStem>(*spec.stem);
  const bool vit = std::holds_alternative<modules::TransformerSpec>(module) && spec.stem &&
                   std::holds_alternative<models::ClassTokenStem>(*spec.stem);
  if (!convnext && !vit) refuse(base::concat("a network of '", modules::module_name(module), "' is none of timm's"));
  for (const auto& stage : network.opt_net->stages()) {
    if (!stage->coefficients().numbers().values().empty()) refuse("learned coefficients have no name there");
  }
}

TensorMap by_timm_names(const TensorMap& tensors) {
  std::vector<std::string> ours;
  for (const auto& [name, tensor] : tensors) ours.push_back(name);
  TensorMap renamed;
  for (const auto& [own, theirs] : models::timm_names(ours)) renamed[theirs] = tensors.at(own);
  return renamed;
}

// As training keeps weights: in 32 bits at least, and no product in 16.
training::Precision wide(training::Precision precision) {
  return precision == training::Precision::float64 ? precision : training::Precision::float32;
}

}  // namespace

void export_run(const ExportRequest& request, const RunOptions& options) {
  ExperimentSpec spec = stored_experiment(request.run);
  spec.train.precision = wide(spec.train.precision);
  const models::NetworkShape shape = network_shape(spec);
  models::Network network = make_network(spec, shape, spec.seeds.front());
  if (request.names == WeightNames::timm) check_in_timm(spec, network);
  const torch::Device device(options.device);
  training::prepare_network(*network.module.ptr(), device, spec.train.precision, spec.train.channels_last);
  load_named_weights(*network.module.ptr(), request.run / "checkpoints" / request.weights);

  const TensorMap weights = training::named_weights(*network.module.ptr());
  if (request.names == WeightNames::timm) {
    training::write_safetensors(request.to, {by_timm_names(weights), {}});
  } else {
    auto metadata = training::read_safetensors(request.run / "checkpoints" / request.weights).metadata;
    metadata["network"] = base::json_line(describe_network(spec, shape, network));
    training::Safetensors file{weights, std::move(metadata)};
    training::seal(file);
    training::write_safetensors(request.to, file);
  }
  if (request.samples.empty()) return;

  const PlacedData placed = data_of_run(request.run, spec.dataset, options);
  const auto dataset = data::make_dataset(placed.spec, placed.root, options.device);
  set_threads(options, dataset->shape());
  const data::Loader loader(*dataset, {data::Split::test, std::min(request.count, dataset->size(data::Split::test))});
  write_sample(network, loader, spec.train, device, request.samples);
}

}  // namespace optdnn::experiment
