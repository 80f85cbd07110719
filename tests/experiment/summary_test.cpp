// What summary.json says of a result.
#include "optdnn/experiment/summary.h"

#include "experiment/from_yaml.h"
#include "optdnn/base/files.h"
#include "support/temporary_folder.h"

using namespace optdnn;

TEST_CASE("a summary says how the iterations of a GPU ran, and nothing of replays and kernels where there are none") {
  const TemporaryFolder folder;
  experiment::Row row;
  row.id = "run";
  row.spec = tests::read_experiment("dataset: {name: nested_rings}\nalgorithm: apg2\nmodule: dense_two_layer\n");
  const auto written = [&](const training::TrainResult& result) {
    experiment::Summary summary({}, row, 7, "hash", {});
    summary.add_result(result);
    summary.write(folder / "summary.json", "stopped");
    return nlohmann::json::parse(base::read_file(folder / "summary.json", 1 << 20));
  };
  training::TrainResult result;
  result.iterations = 9;
  result.iteration = "captured";
  result.replays = 6;
  result.evaluation_replays = 2;
  result.kernels = {"update", "whole"};
  const auto on_gpu = written(result);
  REQUIRE(on_gpu["status"] == "stopped");
  REQUIRE(on_gpu["iterations"] == 9);
  REQUIRE(on_gpu["iteration"] == "captured");
  REQUIRE(on_gpu["replays"] == 6);
  REQUIRE(on_gpu["evaluation_replays"] == 2);
  REQUIRE(on_gpu["kernels"] == nlohmann::json({"update", "whole"}));
  const auto on_cpu = written({});
  for (const char* key : {"replays", "evaluation_replays", "kernels"}) REQUIRE_FALSE(on_cpu.contains(key));
}
