#include "optdnn/experiment/summary.h"

#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/base/json_text.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/experiment/universal.h"
#include "optdnn/kernels/cpu_convolve.h"

namespace optdnn::experiment {

nlohmann::ordered_json json_of(const training::Evaluation& evaluation, std::string_view prefix) {
  metrics::Record record(0, 0, 0);
  evaluation.add_to(record, prefix);
  nlohmann::ordered_json json;
  for (const auto& [name, value] : record.entries()) {
    if (name.starts_with(prefix)) std::visit([&, key = name](const auto& v) { json[key] = v; }, value);
  }
  return json;
}

namespace {

// What a run stands beside in reports.
void add_beside(nlohmann::ordered_json& summary, const Row& row) {
  summary.erase("paper");
  summary.erase("compare");
  if (!row.paper.is_null()) summary["paper"] = config::to_json(row.paper);
  if (row.spec.compare) summary["compare"] = config::to_json(config::dump(*row.spec.compare));
}

}  // namespace

void refresh_summary(const std::filesystem::path& path, const Row& row) {
  const auto before = nlohmann::ordered_json::parse(base::read_file(path, 1 << 24));
  auto after = before;
  add_beside(after, row);
  if (nlohmann::json(after) != nlohmann::json(before)) base::write_file_atomically(path, base::json_text(after));
}

Summary::Summary(const Table& table, const Row& row, uint64_t seed, const std::string& hash,
                 const RunOptions& options) {
  json_["status"] = "started";
  json_["table"] = table.title;
  json_["config"] = table.file.generic_string();
  if (!table.overrides.empty()) json_["overrides"] = table.overrides;
  json_["row"] = row.id;
  json_["seed"] = seed;
  json_["config_hash"] = hash;
  json_["optdnn"] = options.program_version;
  if (!options.commit.empty()) json_["commit"] = options.commit;
  json_["numerics"] = kNumerics;
  json_["libtorch"] = base::torch_version();
  json_["device"] = options.device;
  json_["device_name"] = base::device_name(options.device);
  if (options.device != "cpu") json_["gpu_software"] = base::gpu_software(options.device);
  json_["threads"] = base::torch_threads();
  if (!options.world->is_alone()) json_["processes"] = options.world->size();
  json_["convolutions"] = enum_names(row.spec.train.convolutions).name_of(row.spec.train.convolutions);
  json_["convolution_kernels"] = name_of(kernels::best_instructions());  // of this processor, whose rounding they have
  add_beside(json_, row);
  json_["network"] = row.spec.algorithm ? row.spec.algorithm->name : config::dump(*row.spec.model).find("name")->text();
  json_["dataset"] = config::to_json(config::dump(row.spec.dataset));
  json_["data"] = std::filesystem::absolute(options.data).lexically_normal().string();
  if (row.spec.algorithm) json_["depth"] = config::to_json(config::dump(row.spec.depth));
}

void Summary::add_cost(const modules::Count& cost) {
  json_["parameters"] = cost.parameters;
  json_["multiply_adds"] = cost.multiply_adds;
  json_["activation_mib_per_sample"] = cost.kept_mib();
}

void Summary::add_result(const training::TrainResult& result) {
  json_["iterations"] = result.iterations;
  json_["epochs"] = result.epochs;
  json_["seconds"] = result.seconds;
  if (result.skipped > 0) json_["skipped"] = result.skipped;
  if (result.rollbacks > 0) json_["rollbacks"] = result.rollbacks;
  json_["iteration"] = result.iteration;
  if (result.replays > 0) json_["replays"] = result.replays;
  if (result.evaluation_replays > 0) json_["evaluation_replays"] = result.evaluation_replays;
  if (!result.kernels.empty()) json_["kernels"] = result.kernels;
  if (result.last.samples == 0 && !result.valid) return;  // stopped before an evaluation
  json_["last"] = nlohmann::ordered_json::object();
  if (result.valid) {
    json_["last"].update(json_of(*result.valid, "valid"));
    json_["best"] = {{"on", "valid"}, {"headline", result.best}, {"iteration", result.best_iteration}};
  }
  if (result.last.samples > 0) json_["last"].update(json_of(result.last, "test"));
  if (result.last_raw) json_["last"].update(json_of(*result.last_raw, "test_raw"));
}

void Summary::add_certificate(std::string_view when, const ExperimentSpec& spec, const models::OptNetImpl& net,
                              int64_t run) {
  const algorithms::Rule rule = *rule_of(spec);
  auto& stages = json_[std::string(when)] = nlohmann::ordered_json::array();
  const auto certificates = certify_stages(rule, net, run);
  const Universal universal = judge_universal(spec, certificates);
  for (const auto& certificate : certificates) {
    nlohmann::json stage = algorithms::certificate_json(rule, certificate);
    add_universal(universal, stage);
    stages.emplace_back(std::move(stage));
  }
}

// Numbers that are not finite become null, as JSON has no word for them.
void Summary::write(const std::filesystem::path& path, const std::string& status) {
  json_["status"] = status;
  base::write_file_atomically(path, base::json_text(json_));
}

}  // namespace optdnn::experiment
