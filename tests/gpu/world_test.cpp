// Several processes on GPUs, as far as one GPU can show: NCCL with a world of one, and two processes that share the
// GPU, whose sums go through the host. NCCL between several GPUs is what no test here proves.
#include "optdnn/world/world.h"

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "optdnn/base/device.h"
#include "optdnn/base/files.h"
#include "optdnn/world/nccl.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace optdnn {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

// ctest reads this line and counts the program as skipped.
bool has_no_gpu() {
  if (torch::cuda::is_available()) return false;
  if (base::has_unusable_gpu()) FAIL("there is a GPU, and LibTorch cannot use it");
  WARN("no GPU: skipped");
  return true;
}

// The program, beside this one or a folder above.
fs::path program() {
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  return fs::exists(here / "optdnn") ? here / "optdnn" : here.parent_path() / "optdnn";
}

std::vector<nlohmann::json> records(const fs::path& out) {
  std::vector<nlohmann::json> all;
  std::ifstream file(out / "images/run/seed-0/metrics.jsonl");
  for (std::string line; std::getline(file, line);) all.push_back(nlohmann::json::parse(line));
  return all;
}

}  // namespace

TEST_CASE("sums and gifts through NCCL in a world of one leave every bit, of every type, of many tensors at once") {
  if (has_no_gpu()) return;
  const torch::Device gpu(torch::kCUDA, 0);
  world::Nccl nccl(0, 1, world::Nccl::new_meeting(), gpu);
  for (const auto type : {torch::kFloat32, torch::kFloat64, torch::kFloat16, torch::kBFloat16, torch::kInt64}) {
    std::vector<Tensor> tensors, before;
    for (int64_t i = 0; i < 40; ++i)
      tensors.push_back(torch::arange(1, 2 + 50 * i, torch::TensorOptions().device(gpu)).mul(3).to(type));
    tensors.push_back(torch::ones({4, 3, 5, 5}, torch::TensorOptions().device(gpu).dtype(type))
                          .contiguous(torch::MemoryFormat::ChannelsLast));
    tensors.push_back(
        torch::ones({6, 8}, torch::TensorOptions().device(gpu).dtype(type)).narrow(1, 2, 3));  // not dense
    for (const Tensor& tensor : tensors) before.push_back(tensor.cpu());
    nccl.sum(tensors);
    nccl.give(tensors);
    for (size_t i = 0; i < tensors.size(); ++i) REQUIRE(torch::equal(tensors[i].cpu(), before[i]));
  }
}

TEST_CASE("two processes that share a GPU train as one does, their sums through the host") {
  if (has_no_gpu()) return;
  const TemporaryFolder folder;
  std::ofstream(folder / "images.yaml") << R"(
dataset: {name: generated_images, size_px: 16, train_images: 250, test_images: 70, batch_size: 32, augment: [flip]}
algorithm: {name: apg2}
module: {name: conv_preact}
depth: [2, 2]
width: [8, 16]
optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9}
train: {length: {iterations: 20}, accumulate: 2, precision: float64, ema: {decay: 0.9}, log_every: {iterations: 5}}
)";
  const auto train = [&](const std::string& words, const std::string& out) {
    const std::string command = "cd " + folder.path().string() + " && " + program().string() +
                                " train images.yaml --quiet --device cuda --out " + out + " " + words;
    return std::system(command.c_str());
  };
  REQUIRE(train("", "one") == 0);
  REQUIRE(train("--processes 2", "two") == 0);
  const auto one = records(folder / "one"), two = records(folder / "two");
  REQUIRE(one.size() == 8);  // at the 5 ends of an epoch of 4 iterations, and at 5, 10 and 15
  REQUIRE(two.size() == one.size());
  for (size_t i = 0; i < one.size(); ++i) {
    for (const auto& [name, value] : one[i].items()) {
      if (name == "seconds" || !value.is_number()) continue;
      CAPTURE(i, name);
      REQUIRE(two[i].at(name).get<double>() == Approx(value.get<double>()).epsilon(1e-7));
    }
  }
}

}  // namespace optdnn
