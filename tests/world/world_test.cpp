// What the processes of a world are to each other: the same bits, the same ends, and a name for the one that is lost.
#include "optdnn/world/world.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <map>

#include "optdnn/base/errors.h"
#include "support/catch.h"
#include "world/processes.h"

namespace optdnn::world {
namespace {

using torch::Tensor;
using Codes = std::vector<int>;

void require(bool what, const char* text) {
  if (!what) throw std::runtime_error(text);
}

// A process's own numbers, whose sum depends on the order.
Tensor own_numbers(const World& world, int64_t count, torch::Dtype type = torch::kFloat32) {
  return (torch::arange(1, count + 1, torch::kFloat64) * 0.1 / (1 + world.rank())).to(type);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Place read_place(std::map<std::string, std::string> set) {
  return place_from([&](const char* name) {
           const auto found = set.find(name);
           return found == set.end() ? std::nullopt : std::optional(found->second);
         })
      .value_or(Place{});
}

std::string refusal_of_place(const std::map<std::string, std::string>& set) {
  try {
    read_place(set);
    return "";
  } catch (const base::EnvironmentError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("sums, gifts and rows are the same bits in every process, whatever the layout of the tensors") {
  Processes three(3, [](World& world) {
    const Tensor images = own_numbers(world, 2 * 3 * 4 * 4).view({2, 3, 4, 4});
    const std::vector<Tensor> tensors = {own_numbers(world, 1001), images.contiguous(torch::MemoryFormat::ChannelsLast),
                                         own_numbers(world, 1).squeeze()};
    Tensor expected = torch::zeros({1001});
    const Tensor rows = world.rows(tensors[0]);
    for (int rank = 0; rank < 3; ++rank) {
      const Tensor of_rank = (torch::arange(1, 1002, torch::kFloat64) * 0.1 / (1 + rank)).to(torch::kFloat32);
      require(torch::equal(rows[rank], of_rank), "a row is not that of its rank");
      expected += of_rank;
    }
    world.sum(tensors);
    require(torch::allclose(tensors[0], expected), "the sum is wrong");
    require(torch::allclose(tensors[1].flatten(), expected.narrow(0, 0, 96)), "the layout matters");
    for (const Tensor& tensor : tensors) {
      const Tensor of_all = world.rows(tensor);
      require(torch::equal(of_all[0], of_all[1]) && torch::equal(of_all[0], of_all[2]), "bits differ");
    }
    for (const auto type : {torch::kFloat64, torch::kBFloat16, torch::kInt64, torch::kUInt8}) {
      const Tensor number = torch::full({5}, world.rank() + 1, type);
      world.sum({number});
      require(number[0].item<double>() == 6, "a sum of this type is wrong");
      const Tensor gift = torch::full({5}, world.rank() + 3, type);
      world.give({gift});
      require(gift[4].item<double>() == 3, "a gift of this type is wrong");
    }
    require(world.give(world.rank() == 0 ? std::string("a word") : std::string()) == "a word", "the text is another");
    require(world.give(std::string()).empty(), "nothing is something");
    require(world.any(world.rank() == 2) && !world.any(false), "any is wrong");
    require(world.local_rank() == world.rank() && world.local_size() == 3, "the neighbours are others");
    require(world.writes() == (world.rank() == 0), "another writes");
  });
  const Codes codes = three.codes();
  CAPTURE(three.errors(0), three.errors(1), three.errors(2));
  REQUIRE(codes == Codes{0, 0, 0});
}

TEST_CASE("processes that hold different numbers all say whose") {
  Processes three(3, [](World& world) {
    world.must_agree("the weights", 7);
    world.must_agree("the weights", world.rank() == 2 ? 8 : 7);
  });
  REQUIRE(three.codes() == Codes{3, 3, 3});
  for (int rank = 0; rank < 3; ++rank) {
    CAPTURE(rank);
    REQUIRE(three.errors(rank).find("do not agree on the weights: rank 2 differs from rank 0") != std::string::npos);
  }
}

TEST_CASE("a process that is killed ends the others at once, which name it, whether they talk or not") {
  for (const bool talks : {true, false}) {
    for (const int victim : {0, 1, 2}) {
      CAPTURE(talks, victim);
      const auto begin = std::chrono::steady_clock::now();
      Processes three(3, [&](World& world) {
        world.any(true);
        if (world.rank() == victim) ::raise(SIGKILL);
        for (;;) talks ? static_cast<void>(world.any(false)) : static_cast<void>(::sleep(60));
      });
      const std::string name = "rank " + std::to_string(victim) + " (";
      const Codes codes = three.codes();
      REQUIRE(seconds_since(begin) < 20);  // of a busy machine
      for (int rank = 0; rank < 3; ++rank) {
        CAPTURE(rank, three.errors(rank));
        REQUIRE(codes[rank] == (rank == victim ? 128 + SIGKILL : 3));
        if (rank != victim) REQUIRE(three.errors(rank).find("error: " + name) == 0);
        if (rank != victim) REQUIRE(three.errors(rank).find("is gone") != std::string::npos);
      }
    }
  }
}

TEST_CASE("a process that stops answering is named after the patience of the others") {
  Processes two(
      2,
      [](World& world) {
        if (world.rank() == 1) ::raise(SIGSTOP);
        for (;;) world.any(false);
      },
      /*patience_s=*/2);
  two.wait_for(0);
  ::kill(two.pid(1), SIGKILL);
  REQUIRE(two.codes() == Codes{3, 128 + SIGKILL});
  REQUIRE(two.errors(0).find("error: rank 1 (") == 0);
  REQUIRE(two.errors(0).find("has been silent for 2 s; rank 0 of 2 cannot go on without it") != std::string::npos);
}

TEST_CASE("a world lives longer than its processes had to meet, and waits for a slow one") {
  Processes two(
      2,
      [](World& world) {
        ::usleep(2'500'000);
        REQUIRE_FALSE(world.any(false));
        if (world.rank() == 1) ::usleep(2'500'000);
        world.wait_for_all();
      },
      /*patience_s=*/1, /*least_to_meet_s=*/1);
  REQUIRE(two.codes() == Codes{0, 0});
}

TEST_CASE("a process that fails keeps its code and its message, and the others repeat it") {
  Processes three(3, [](World& world) {
    if (world.rank() == 1) throw base::ConfigError("this is wrong");
    for (;;) world.any(false);
  });
  REQUIRE(three.codes() == Codes{3, 2, 3});
  REQUIRE(three.errors(0).find(") ended: this is wrong; rank 0 of 3") != std::string::npos);
  REQUIRE(three.errors(2).find(") ended: this is wrong; rank 2 of 3") != std::string::npos);
}

TEST_CASE("a place is read from torchrun's variables or srun's, and half of them are refused by name") {
  const std::map<std::string, std::string> torchrun = {
      {"RANK", "1"}, {"WORLD_SIZE", "3"}, {"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}};
  Place place = read_place(torchrun);
  REQUIRE((place.rank == 1 && place.size == 3 && place.address == "node1" && place.port == 29500));
  REQUIRE(!place.agent_store);
  auto agent = torchrun;
  agent["TORCHELASTIC_USE_AGENT_STORE"] = "True";
  agent["TORCHELASTIC_RESTART_COUNT"] = "2";
  agent["OPTDNN_PATIENCE_S"] = "9";
  place = read_place(agent);
  REQUIRE((place.agent_store && place.restart == "2" && place.patience == std::chrono::seconds(9)));
  for (const char* missing : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) {
    auto half = torchrun;
    half.erase(missing);
    REQUIRE(refusal_of_place(half).find(std::string("but ") + missing + " is not set") != std::string::npos);
  }
  auto wrong = torchrun;
  wrong["RANK"] = "3";
  REQUIRE(refusal_of_place(wrong) == "the variable RANK is to be a number from 0 to 2, received '3'");
  REQUIRE(read_place({{"MASTER_ADDR", "node1"}, {"MASTER_PORT", "29500"}}).size == 1);
  auto one = torchrun;
  one["RANK"] = "0";
  one["WORLD_SIZE"] = "1";
  REQUIRE(read_place(one).size == 1);

  const std::map<std::string, std::string> srun = {{"SLURM_STEP_ID", "0"},        {"SLURM_PROCID", "5"},
                                                   {"SLURM_STEP_NUM_TASKS", "8"}, {"MASTER_ADDR", "node1"},
                                                   {"MASTER_PORT", "29500"},      {"SLURM_RESTART_COUNT", "1"}};
  place = read_place(srun);
  REQUIRE((place.rank == 5 && place.size == 8 && place.restart == "1"));
  auto batch = srun;  // the script itself is no task of a step
  batch.erase("SLURM_STEP_ID");
  REQUIRE(read_place(batch).size == 1);
  auto apart = srun;
  apart.erase("MASTER_ADDR");
  REQUIRE(read_place(apart).size == 1);
  REQUIRE(has_lonely_tasks([&](const char* name) {
    const auto found = apart.find(name);
    return found == apart.end() ? std::nullopt : std::optional(found->second);
  }));
}

TEST_CASE("a world of one talks to nobody") {
  const World& alone = World::alone();
  const Tensor number = torch::tensor({0.1});
  alone.sum({number});
  REQUIRE(number.item<float>() == 0.1F);
  REQUIRE((alone.is_alone() && alone.writes() && alone.any(true) && !alone.any(false)));
  alone.must_agree("anything", 1);
}

TEST_CASE("this machine is reached at the address that leads to the other") {
  REQUIRE(own_address_towards("127.0.0.1", 80) == "127.0.0.1");
  REQUIRE(own_address_towards("no.such.machine.invalid", 80).empty());
}

}  // namespace optdnn::world
