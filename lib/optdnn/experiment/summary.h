// summary.json: what a run was, on what it ran, what it cost and what came out.
#pragma once

#include <nlohmann/json.hpp>

#include "optdnn/experiment/executors.h"
#include "optdnn/experiment/run.h"
#include "optdnn/modules/count.h"
#include "optdnn/training/trainer.h"

namespace optdnn::experiment {

// {"test/loss": 0.57, "test/error_pct": 19.8}
nlohmann::ordered_json json_of(const training::Evaluation& evaluation, std::string_view prefix = "test");

// Puts what the config says now about a finished run, `paper` and `compare`, into its summary.
void refresh_summary(const std::filesystem::path& path, const Row& row);

class Summary {
 public:
  Summary(const Table& table, const Row& row, uint64_t seed, const std::string& hash, const RunOptions& options);

  // How many runs train as one network, if this one does not train alone.
  void add_runs_at_once(int64_t runs, int threads) {
    json_["runs_at_once"] = runs;
    json_["threads_sharing_runs"] = threads;
  }
  void add_cost(const modules::Count& cost);
  void add_loader_threads(int threads) { json_["loader_threads"] = threads; }
  void add_executors(const std::vector<StageExecutor>& executors) { json_["executors"] = executors_json(executors); }
  void add_result(const training::TrainResult& result);
  // The certificate of each stage at the current coefficients, with what the config adds. `when`: certificate_at_start,
  // or certificate for the end.
  void add_certificate(std::string_view when, const ExperimentSpec& spec, const models::OptNetImpl& net,
                       int64_t run = 0);
  // Of training, in all; of several runs at once, an equal share each.
  void add_cpu_seconds(double seconds) { json_["cpu_seconds"] = seconds; }
  // What was chosen, and how.
  void add_search(const nlohmann::ordered_json& search) { json_["search"] = search; }
  void add_error(const std::string& message) { json_["error"] = message; }

  // `status`: finished, stopped or diverged.
  void write(const std::filesystem::path& path, const std::string& status);

 private:
  nlohmann::ordered_json json_;
};

}  // namespace optdnn::experiment
