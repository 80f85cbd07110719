// evaluate_run of run.h: the weights of a run's folder on a split of its data set.
#include "optdnn/base/device.h"
#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/pictures.h"
#include "optdnn/experiment/run.h"
#include "optdnn/experiment/summary.h"
#include "optdnn/experiment/weights.h"
#include "optdnn/training/precision.h"

namespace optdnn::experiment {

namespace {

data::DataSetSpec without_augmentation(data::DataSetSpec spec) {
  std::visit(
      [](auto& s) {
        if constexpr (requires { s.augment; }) s.augment.clear();
      },
      spec);
  return spec;
}

}  // namespace

nlohmann::ordered_json evaluate_run(const std::filesystem::path& folder, const std::string& weights,
                                    const RunOptions& options, const std::string& split,
                                    const std::filesystem::path& sample) {
  const data::Split* part = data::enum_names(data::Split{}).find(split);
  if (!part) {
    throw base::ConfigError(base::concat("unknown split '", split, "'"), data::enum_names(data::Split{}).hint(split));
  }
  const ExperimentSpec spec = stored_experiment(folder);
  DataSets datasets(options.data, options.device);
  const data::DataSet& dataset = datasets.get(without_augmentation(spec.dataset));
  set_threads(options, dataset.shape());
  models::Network network = make_network(spec, network_shape(dataset.shape()), spec.seeds.front());
  const torch::Device device(options.device);
  training::prepare_network(*network.module.ptr(), device, spec.train.precision, spec.train.channels_last);
  load_named_weights(*network.module.ptr(), folder / "checkpoints" / weights);
  const Loaders loaders = make_loaders(dataset, spec, {spec.seeds.front()}, options.loader_threads);
  const data::Loader& loader = loaders.of(*part);
  const auto loss =
      training::make_loss(training::plain_loss(spec.loss.value_or(training::default_loss(dataset.shape()))));
  const auto evaluation =
      training::evaluate(network.module, loader, loss, spec.train.precision, device, spec.evaluate).front();
  if (weights == "last.safetensors" && *part == data::Split::test)
    write_pictures(spec, spec.seeds.front(), dataset, {folder});
  if (!sample.empty()) write_sample(network, loader, spec.train, device, sample);
  nlohmann::ordered_json result = {{"run", folder.string()}, {"weights", weights}, {"samples", evaluation.samples}};
  result.update(json_of(evaluation, split));
  return result;
}

}  // namespace optdnn::experiment
