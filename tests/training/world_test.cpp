// One run on several processes, where the program cannot be made to show it: what one process alone meets ends, or does
// not end, all of them in the same way.
#include "optdnn/world/world.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <thread>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/training/safetensors.h"
#include "support/catch.h"
#include "support/temporary_folder.h"
#include "training/small_nets.h"
#include "world/processes.h"

namespace optdnn::training {
namespace {

constexpr const char* kState = "state.safetensors";

// Loaders run ahead, on a busy machine beyond the first save.
void wait_for_state(const std::filesystem::path& folder) {
  while (!std::filesystem::exists(folder / kState)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// A job of which each process has its part.
struct SharedJob {
  SharedJob(const data::DataSet& images, const world::World& world, const std::filesystem::path& folder)
      : small(images) {
    const data::Part part{world.rank(), world.size()};
    for (data::Loader* loader : {&small.train_loader, &small.valid_loader, &small.test_loader}) {
      data::LoaderOptions options = loader->options();
      options.part = part;
      parts.push_back(std::make_unique<data::Loader>(images, options));
    }
    small.job.train_loader = parts[0].get();
    small.job.valid_loader = parts[1].get();
    small.job.test_loader = parts[2].get();
    small.job.world = &world;
    if (world.writes()) small.run().checkpoints = folder;
  }
  SmallJob small;
  std::vector<std::unique_ptr<data::Loader>> parts;
};

}  // namespace

TEST_CASE("an image that is not finite in one process's share is found by all in the same batch") {
  const TemporaryFolder folder;
  SmallImages images;
  images.factor = std::numeric_limits<double>::infinity();
  images.factor_sample = 40;
  SmallJob alone(images);
  std::string message;
  try {
    train_alone(alone.job);
  } catch (const base::DivergedError& error) {
    message = error.what();
  }
  REQUIRE(message.find("is not finite") != std::string::npos);
  world::Processes three(3, [&](world::World& world) {
    SharedJob shared(images, world, folder / "checkpoints");
    train_alone(shared.small.job);
  });
  REQUIRE(three.codes() == std::vector<int>{4, 4, 4});
  for (int rank = 0; rank < 3; ++rank) REQUIRE(three.errors(rank) == message + "\n");
}

TEST_CASE("a batch that one process cannot use is left out by all, and training goes on alike") {
  const TemporaryFolder folder;
  SmallImages images;
  images.factor = std::numeric_limits<double>::infinity();
  images.factor_sample = 40;
  const auto go_on = [](TrainJob& job) {
    job.train.on_divergence.skip = 5;
    job.train.length.epochs = 2;
  };
  SmallJob alone(images);
  go_on(alone.job);
  const TrainResult expected = train_alone(alone.job);
  REQUIRE(expected.skipped == 2);
  const torch::Tensor weights = flat_weights(alone.job.network);
  world::Processes two(2, [&](world::World& world) {
    SharedJob shared(images, world, folder / "checkpoints");
    go_on(shared.small.job);
    const TrainResult result = train_alone(shared.small.job);
    if (result.skipped != 2 || result.last.samples != 30) throw std::runtime_error("not as alone");
    if (!torch::allclose(flat_weights(shared.small.job.network), weights, 1e-4, 1e-5))
      throw std::runtime_error("the weights are others");
  });
  const auto codes = two.codes();
  CAPTURE(two.errors(0), two.errors(1));
  REQUIRE(codes == std::vector<int>{0, 0});
}

TEST_CASE("a data set that fails in one process ends all, and the state of before is there") {
  struct Failing : SmallImages {
    data::Batch batch(data::Split split, uint64_t seed, int64_t epoch,
                      const std::vector<int64_t>& indices) const override {
      // In the last epoch: rank 0 may still be saving when another ends.
      if (split == data::Split::train && epoch == 2 && fails) {
        wait_for_state(folder);
        throw base::EnvironmentError("a file cannot be read");
      }
      return SmallImages::batch(split, seed, epoch, indices);
    }
    bool fails = false;
    std::filesystem::path folder;
  };
  const TemporaryFolder folder;
  world::Processes two(2, [&](world::World& world) {
    Failing images;
    images.fails = world.rank() == 1;
    images.folder = folder / "checkpoints";
    SharedJob shared(images, world, folder / "checkpoints");
    train_alone(shared.small.job);
  });
  REQUIRE(two.codes() == std::vector<int>{3, 3});
  REQUIRE(two.errors(1).find("a file cannot be read") == 0);
  REQUIRE(two.errors(0).find(") ended: a file cannot be read; rank 0 of 2 cannot go on without it") !=
          std::string::npos);
  REQUIRE(std::filesystem::exists(folder / "checkpoints" / kState));
}

TEST_CASE("a process that is killed in its loader, in an iteration or in a save ends all, and the run goes on") {
  struct Mortal : SmallImages {
    data::Batch batch(data::Split split, uint64_t seed, int64_t epoch,
                      const std::vector<int64_t>& indices) const override {
      if (dies && split == data::Split::train && epoch == 2) {
        wait_for_state(folder);
        ::raise(SIGKILL);
      }
      return SmallImages::batch(split, seed, epoch, indices);
    }
    bool dies = false;
    std::filesystem::path folder;
  };
  enum class Place { none, loader, iteration, save };  // of death
  const auto codes_of = [](const std::filesystem::path& folder, int processes, Place place, int victim) {
    world::Processes together(processes, [&](world::World& world) {
      const bool is_victim = world.rank() == victim;
      Mortal images;
      images.dies = is_victim && place == Place::loader;
      images.folder = folder;
      SharedJob shared(images, world, folder);
      TrainJob& job = shared.small.job;
      job.train.save_every = Duration{{}, 2, {}};
      int iterations = 0;
      job.around_forward = [&](const torch::Device&, const ForwardPass& forward) {
        const bool counts = job.network.ptr()->is_training();
        if (counts && ++iterations == 12 && is_victim && place == Place::iteration) ::raise(SIGKILL);
        return forward();
      };
      // Iteration 8 ends with a save, which rank 0 alone writes while the other waits.
      const torch::Tensor pids = world.rows(torch::tensor({static_cast<int64_t>(::getpid())})).flatten();
      shared.small.run().before_write = [&] {
        if (place != Place::save || iterations != 8 || !world.writes()) return;
        ::kill(static_cast<pid_t>(pids[victim].item<int64_t>()), SIGKILL);
        ::sleep(60);
      };
      train_alone(job);
    });
    return together.codes();
  };
  const TemporaryFolder folder;
  const auto last = [&](const std::string& name) {
    return base::read_file(folder / name / "last.safetensors", 1 << 20);
  };
  const auto weights = [&](const std::string& name) {
    std::vector<torch::Tensor> parts;
    for (const auto& [key, value] : read_safetensors(folder / name / "last.safetensors").tensors)
      parts.push_back(value.to(torch::kFloat64).reshape({-1}));
    return torch::cat(parts);
  };
  REQUIRE(codes_of(folder / "unbroken", 2, Place::none, 0) == std::vector<int>{0, 0});
  for (const Place place : {Place::loader, Place::iteration, Place::save}) {
    for (const int victim : {0, 1}) {
      const std::string name = std::to_string(static_cast<int>(place)) + "-" + std::to_string(victim);
      CAPTURE(name);
      std::vector<int> expected = {3, 3};
      expected[victim] = 128 + SIGKILL;
      REQUIRE(codes_of(folder / name, 2, place, victim) == expected);
      REQUIRE(std::filesystem::exists(folder / name / kState));
      std::filesystem::copy(folder / name, folder / (name + "-three"));
      REQUIRE(codes_of(folder / name, 2, Place::none, 0) == std::vector<int>{0, 0});
      REQUIRE(last(name) == last("unbroken"));
      REQUIRE(codes_of(folder / (name + "-three"), 3, Place::none, 0) == std::vector<int>{0, 0, 0});
      REQUIRE(torch::allclose(weights(name + "-three"), weights("unbroken"), 1e-4, 1e-5));
    }
  }
}

TEST_CASE("weights that drifted apart are noticed before they are saved") {
  struct Drifting : SmallImages {
    data::Batch batch(data::Split split, uint64_t seed, int64_t epoch,
                      const std::vector<int64_t>& indices) const override {
      if (epoch == 1 && net) net->parameters().front().data().mul_(1.001);
      return SmallImages::batch(split, seed, epoch, indices);
    }
    torch::nn::Module* net = nullptr;
  };
  const TemporaryFolder folder;
  world::Processes two(2, [&](world::World& world) {
    Drifting images;
    SharedJob shared(images, world, folder / "checkpoints");
    if (world.rank() == 1) images.net = shared.small.job.network.ptr().get();
    train_alone(shared.small.job);
  });
  const auto codes = two.codes();
  CAPTURE(two.errors(0), two.errors(1));
  REQUIRE(codes == std::vector<int>{3, 3});
  for (int rank = 0; rank < 2; ++rank)
    REQUIRE(two.errors(rank).find("do not agree on the weights: rank 1 differs from rank 0") != std::string::npos);
}

}  // namespace optdnn::training
