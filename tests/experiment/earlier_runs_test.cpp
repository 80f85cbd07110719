// Runs of earlier versions: what their resolved.yaml lacks reads as things were done then.
#include "optdnn/experiment/earlier_runs.h"

#include <fstream>

#include "optdnn/experiment/run_folder.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace optdnn::experiment {
namespace {

config::Node read_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
  base::Diagnostics diagnostics;
  const config::Node node = read_resolved(file, diagnostics);
  diagnostics.throw_if_errors();
  return node;
}

}  // namespace

TEST_CASE("a run from before there was a choice of convolutions has exact ones, a later one what it says") {
  const TemporaryFolder folder;
  const auto file = folder / "resolved.yaml";
  const config::Node before = read_text(file, "train:\n  length: {epochs: 1}\n  channels_last: true\n");
  CHECK(before.find_path("train.convolutions")->text() == "exact");
  CHECK(before.find_path("train.length.epochs")->text() == "1");
  const config::Node now = read_text(file, "train:\n  length: {epochs: 1}\n  convolutions: careful\n");
  CHECK(now.find_path("train.convolutions")->text() == "careful");
}

}  // namespace optdnn::experiment
