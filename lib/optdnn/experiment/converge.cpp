#include "optdnn/experiment/converge.h"

#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/base/json_text.h"
#include "optdnn/config/dump.h"

namespace optdnn::experiment {

std::filesystem::path study_folder(const std::filesystem::path& runs, const Study& study, const StudyRow& row) {
  return runs / study.stem / row.id / "study";
}

algorithms::Convergence measure_row(const StudyRow& row) {
  std::vector<algorithms::VectorField> fields;
  for (const std::string& family : row.rule.families()) {
    const auto own = row.spec.vector_fields.find(family);
    fields.push_back(own == row.spec.vector_fields.end() ? row.spec.vector_field : own->second);
  }
  return algorithms::measure_convergence(row.rule, fields, {row.spec.input[0], row.spec.input[1]}, row.spec.depths);
}

nlohmann::ordered_json convergence_json(const StudyRow& row, const algorithms::Convergence& convergence) {
  nlohmann::ordered_json json = {{"rule", row.rule.name()},
                                 {"convergent", convergence.certificate.convergent},
                                 {"coupled", convergence.certificate.coupled.has_value()},
                                 {"flows", nullptr},
                                 {"reason", convergence.certificate.reason},
                                 {"effective_step", nullptr},
                                 {"errors", nlohmann::ordered_json::object()},
                                 {"order", nullptr},
                                 {"converges", convergence.converges}};
  if (convergence.effective_step) json["effective_step"] = *convergence.effective_step;
  if (const auto& coupled = convergence.certificate.coupled) json["flows"] = equations(*coupled, row.rule);
  for (const auto& [depth, error] : convergence.errors) json["errors"][std::to_string(depth)] = error;
  if (convergence.order) json["order"] = *convergence.order;
  return json;
}

void write_study_row(const Study& study, const StudyRow& row, const algorithms::Convergence& convergence,
                     const RunOptions& options) {
  const std::filesystem::path folder = study_folder(options.out, study, row);
  const config::Node resolved = config::dump(row.spec);
  nlohmann::ordered_json summary = {{"status", "finished"},
                                    {"study", "converge"},
                                    {"table", study.title},
                                    {"config", study.file.generic_string()},
                                    {"row", row.id},
                                    {"config_hash", config_hash(resolved)},
                                    {"optdnn", options.program_version},
                                    {"libtorch", base::torch_version()},
                                    {"device", "cpu"},
                                    {"device_name", base::device_name("cpu")},
                                    {"threads", 1}};
  if (!options.commit.empty()) summary["commit"] = options.commit;
  summary["numerics"] = kNumerics;
  if (!study.overrides.empty()) summary["overrides"] = study.overrides;
  summary["certificate"] = {algorithms::certificate_json(row.rule, convergence.certificate)};
  summary["convergence"] = convergence_json(row, convergence);
  base::make_folders(folder);
  base::write_file_atomically(folder / "resolved.yaml", config::to_yaml(resolved));
  base::write_file_atomically(folder / "summary.json", base::json_text(summary));
}

}  // namespace optdnn::experiment
