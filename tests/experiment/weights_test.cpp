// Fine-tuning and exchange: files of timm's names and true shapes, filled at random, go in and out.
#include "optdnn/experiment/weights.h"

#include "models/vision_nets.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/random.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/export_run.h"
#include "optdnn/experiment/network.h"
#include "optdnn/models/timm_names.h"
#include "optdnn/training/checkpoint.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using namespace optdnn::tests;
using training::TensorMap;

namespace {

models::Network network(const models::OptNetSpec& spec, int64_t size_px, int64_t classes,
                        const std::string& rule = "gradient_descent") {
  base::seed_torch(8);
  return models::make_opt_net(catalogue_rule(rule), spec, {{3, size_px, size_px}, classes});
}

// A file as timm would write it: the network's shapes, timm's names, random numbers. Returns the tensors by our names.
TensorMap write_timm_file(const models::OptNetSpec& spec, int64_t size_px, const std::filesystem::path& file) {
  const models::Network net = network(spec, size_px, 1000);
  TensorMap ours = training::named_weights(*net.module.ptr()), theirs;
  std::vector<std::string> names;
  for (auto& [name, tensor] : ours) {
    names.push_back(name);
    tensor = torch::randn_like(tensor);
  }
  for (const auto& [our, their] : models::timm_names(names)) theirs[their] = ours.at(our);
  training::write_safetensors(file, {theirs, {{"format", "pt"}}});
  return ours;
}

void require_same_but(const torch::nn::Module& module, const TensorMap& wanted, const std::string& kept_prefix) {
  for (const auto& [name, tensor] : training::named_weights(module)) {
    INFO(name);
    if (name.starts_with(kept_prefix) || name.find(".coefficients.") != std::string::npos) continue;
    REQUIRE(torch::equal(tensor, wanted.at(name)));
  }
}

}  // namespace

TEST_CASE("timm's weights of ConvNeXt-T and ViT-Ti load by name; a head for other classes stays as it was drawn") {
  const optdnn::TemporaryFolder folder;
  const models::OptNetSpec convnext = convnext_spec({3, 3, 9, 3}, {96, 192, 384, 768}), vit = vit_spec(12, 192, 3);
  for (const models::OptNetSpec& spec : {convnext, vit}) {
    const TensorMap wanted = write_timm_file(spec, 224, folder / "timm.safetensors");
    const models::Network net = network(spec, 224, 10, "apg2");
    const torch::Tensor head = training::named_weights(*net.module.ptr()).at("head.linear.weight").clone();
    experiment::begin_at(*net.module.ptr(), folder / "timm.safetensors");
    require_same_but(*net.module.ptr(), wanted, "head.linear.");
    REQUIRE(torch::equal(training::named_weights(*net.module.ptr()).at("head.linear.weight"), head));
  }
}

TEST_CASE("positions of a ViT are interpolated to another image size") {
  const optdnn::TemporaryFolder folder;
  const models::OptNetSpec spec = vit_spec(1, 8, 2, 4);
  TensorMap wanted = write_timm_file(spec, 16, folder / "timm.safetensors");
  const models::Network net = network(spec, 32, 1000);
  experiment::begin_at(*net.module.ptr(), folder / "timm.safetensors");
  require_same_but(*net.module.ptr(), wanted, "stem.pos_embed");
  const torch::Tensor positions = training::named_weights(*net.module.ptr()).at("stem.pos_embed");
  REQUIRE(torch::equal(positions.select(1, 0), wanted.at("stem.pos_embed").select(1, 0)));
  const auto mean = [](const torch::Tensor& all) { return all.slice(1, 1).mean().item<double>(); };
  REQUIRE(mean(positions) == Approx(mean(wanted.at("stem.pos_embed"))).margin(0.05));
}

TEST_CASE("a learned coefficient that the file lacks keeps its start") {
  const optdnn::TemporaryFolder folder;
  std::vector<algorithms::Coefficient> learned(1);
  learned[0].name = "gamma";
  learned[0].value = 1.25;
  learned[0].learn = algorithms::Learn::shared;
  const models::OptNetSpec spec = convnext_spec({2}, {4});
  const TensorMap wanted = write_timm_file(spec, 16, folder / "timm.safetensors");
  models::Network net = models::make_opt_net(catalogue_rule("apg2", learned), spec, {{3, 16, 16}, 1000});
  experiment::begin_at(*net.module.ptr(), folder / "timm.safetensors");
  require_same_but(*net.module.ptr(), wanted, "nothing");
  const algorithms::LeafTable numbers = net.opt_net->stages().front()->coefficients().numbers();
  REQUIRE(numbers.values().size() == 1);
  REQUIRE(numbers.values().begin()->second == Approx(1.25));
}

namespace {

// A run's folder with the weights of a network that was not trained.
models::Network write_run(const std::filesystem::path& run, const std::string& config) {
  std::filesystem::create_directories(run / "checkpoints");
  base::write_file_atomically(run / "resolved.yaml", config);
  const experiment::ExperimentSpec spec = experiment::stored_experiment(run);
  models::Network net = experiment::make_network(spec, experiment::network_shape(data::dataset_shape(spec.dataset)), 1);
  training::write_safetensors(run / "checkpoints/last.safetensors", {training::named_weights(*net.module.ptr()), {}});
  return net;
}

constexpr const char* kConvNext =
    "dataset: {name: generated_images, size_px: 16}\nalgorithm: {name: gradient_descent}\nmodule: {name: convnext}\n"
    "depth: [1, 2]\nwidth: [4, 8]\nstem: {name: patchify}\ntransition: {name: norm_conv}\n"
    "head: {name: pool_norm_linear}\ntrain: {length: {iterations: 1}}\n";

}  // namespace

TEST_CASE("what is exported by timm's names is what is loaded by them") {
  const optdnn::TemporaryFolder folder;
  const models::Network net = write_run(folder / "run", kConvNext);
  experiment::export_run({folder / "run", "last.safetensors", experiment::WeightNames::timm, folder / "out", {}}, {});
  const TensorMap exported = training::read_safetensors(folder / "out").tensors;
  REQUIRE(exported.contains("stages.1.blocks.1.mlp.fc2.weight"));
  const TensorMap wanted = training::named_weights(*net.module.ptr());
  TensorMap copies;
  for (const auto& [name, tensor] : wanted) copies[name] = tensor.clone();
  {
    torch::NoGradGuard no_grad;
    for (torch::Tensor parameter : net.module.ptr()->parameters()) parameter.zero_();
  }
  experiment::load_named_weights(*net.module.ptr(), folder / "out");
  require_same_but(*net.module.ptr(), copies, "nothing");
}

TEST_CASE("names of timm are refused for networks that timm has not") {
  const optdnn::TemporaryFolder folder;
  std::string config = kConvNext;
  config.replace(config.find("{name: gradient_descent}"), 24,
                 "{name: apg2, coefficients: {gamma: {value: 1, learn: shared}}}");
  write_run(folder / "run", config);
  const experiment::ExportRequest request{
      folder / "run", "last.safetensors", experiment::WeightNames::timm, folder / "out", {}};
  REQUIRE_THROWS_AS(experiment::export_run(request, {}), base::ConfigError);
  REQUIRE_FALSE(std::filesystem::exists(folder / "out"));
}

TEST_CASE("exported weights describe their network, learned coefficients by their value") {
  const optdnn::TemporaryFolder folder;
  write_run(folder / "run",
            "dataset: {name: nested_rings}\nmodule: {name: dense_two_layer}\ndepth: 3\nwidth: 2\nalgorithm:\n"
            "  {name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step, range: [0, 3]}}}\n"
            "train: {length: {iterations: 1}}\n");
  experiment::export_run(
      {folder / "run", "last.safetensors", experiment::WeightNames::own, folder / "out", folder / "samples", 5}, {});
  const auto described = nlohmann::json::parse(training::read_safetensors(folder / "out").metadata.at("network"));
  REQUIRE(described.at("rule").at("start") == nlohmann::json::parse(R"({"x[k]": 1.0, "z[k]": 1.0})"));
  REQUIRE(described.at("rule").at("coefficients").at("delta").at("value") == 1.0);
  const auto& stage = described.at("stages").at(0);
  REQUIRE(stage.at("coefficients").at("gamma") == nlohmann::json::parse("[[0], [1]]"));  // the last is read by nobody
  REQUIRE(stage.at("values").at("gamma").at(1).get<double>() == Approx(1.5));
  REQUIRE(training::read_safetensors(folder / "samples").tensors.at("outputs").size(0) == 5);
}

TEST_CASE("a file of another network is refused with the names that differ") {
  const optdnn::TemporaryFolder folder;
  write_timm_file(convnext_spec({1}, {4}), 16, folder / "timm.safetensors");
  const models::Network deeper = network(convnext_spec({2}, {4}), 16, 1000);
  REQUIRE_THROWS_AS(experiment::begin_at(*deeper.module.ptr(), folder / "timm.safetensors"), base::EnvironmentError);
}
