// Training states on disk: what does not fit is refused as a whole.
#include "optdnn/training/checkpoint.h"

#include <fstream>

#include "optdnn/base/errors.h"
#include "support/catch.h"
#include "support/temporary_folder.h"
#include "training/small_nets.h"

namespace optdnn::training {
namespace {

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const base::EnvironmentError& error) {
    return error.what();
  }
  return "accepted";
}

TrainState state_at(int64_t iteration) {
  TrainState state;
  state.iteration = iteration;
  state.tensors = {{"weights/a", torch::full({100}, static_cast<double>(iteration))},
                   {"b", torch::ones({3}).to(torch::kBool)}};
  return state;
}

void damage(const std::filesystem::path& path, std::streamoff from_end) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(-from_end, std::ios::end);
  const auto byte = static_cast<char>(file.get());
  file.seekp(-from_end, std::ios::end);
  file.put(static_cast<char>(byte ^ 1));
}

}  // namespace

TEST_CASE("two generations are kept, and the newest that is sound is taken") {
  const TemporaryFolder folder;
  const auto state = folder / "state.safetensors", previous = folder / "state.previous.safetensors";
  save_state(folder.path(), state_at(1));
  REQUIRE(!std::filesystem::exists(previous));
  save_state(folder.path(), state_at(2));
  save_state(folder.path(), state_at(3));
  write_safetensors(folder / "last.safetensors", {{}, {{"iteration", "3"}}});
  REQUIRE(load_state(folder.path())->iteration == 3);

  SECTION("one bit of a tensor") { damage(state, 8); }
  SECTION("the end is missing") { std::filesystem::resize_file(state, std::filesystem::file_size(state) - 100); }
  SECTION("nothing is left") { std::filesystem::resize_file(state, 0); }
  SECTION("the save died between its two renames, and what it wrote was lost") { std::filesystem::remove(state); }
  REQUIRE(load_state(folder.path())->iteration == 2);
  REQUIRE(torch::equal(load_state(folder.path())->tensors.at("weights/a"), torch::full({100}, 2.0)));
  // The damaged one does not take the place of the good one at the next save.
  save_state(folder.path(), state_at(5));
  REQUIRE(load_state(folder.path())->iteration == 5);
  damage(state, 8);
  REQUIRE(load_state(folder.path())->iteration == 2);
}

TEST_CASE("a state that was written whole and not yet renamed is the newest; halves are removed") {
  const TemporaryFolder folder;
  save_state(folder.path(), state_at(1));
  save_state(folder.path(), state_at(2));
  std::filesystem::rename(folder / "state.safetensors", folder / "state.new.safetensors");
  std::ofstream(folder / "state.new.safetensors.77.part") << "half";
  REQUIRE(load_state(folder.path())->iteration == 2);
  REQUIRE(!std::filesystem::exists(folder / "state.new.safetensors.77.part"));
}

TEST_CASE("where no state is sound all are named, with what to do") {
  const TemporaryFolder folder;
  save_state(folder.path(), state_at(1));
  save_state(folder.path(), state_at(2));
  for (const char* name : {"state.safetensors", "state.previous.safetensors"}) damage(folder / name, 8);
  try {
    load_state(folder.path());
    FAIL("accepted");
  } catch (const base::EnvironmentError& error) {
    const std::string what = error.what();
    REQUIRE(what.find("not as it was written") != std::string::npos);
    REQUIRE(what.find("state.previous.safetensors: tensor") != std::string::npos);
    REQUIRE(error.hint().find("--fresh") != std::string::npos);
  }
}

TEST_CASE("room for the checkpoints is looked at beside what is there") {
  const TemporaryFolder folder;
  check_room(folder.path(), 1 << 20, 1 << 20);
  REQUIRE(refusal([&] { check_room(folder.path(), uint64_t{1} << 60, 0); }).find("KiB of room") != std::string::npos);
}

TEST_CASE("a state reads back with every digit") {
  const TemporaryFolder folder;
  REQUIRE(!load_state(folder.path()));
  save_state(folder.path(), {12, 0.1 + 0.2, 1.0 / 3, 7, 2, 1, {{"weights/a", torch::ones({2})}}});
  const auto state = load_state(folder.path());
  REQUIRE(state->iteration == 12);
  REQUIRE(state->seconds == 0.1 + 0.2);
  REQUIRE(state->best == 1.0 / 3);
  REQUIRE(state->best_iteration == 7);
  REQUIRE(state->skipped == 2);
  REQUIRE(state->rollbacks == 1);
  REQUIRE(torch::equal(state->tensors.at("weights/a"), torch::ones({2})));
}

TEST_CASE("a damaged state is named, and so is one of another kind") {
  const TemporaryFolder folder;
  const auto path = folder / "state.safetensors";
  std::ofstream(path) << "torn";
  REQUIRE(refusal([&] { load_state(folder.path()); }).find("state.safetensors: not a sound safetensors file") !=
          std::string::npos);
  write_safetensors(path, {});
  REQUIRE(refusal([&] { load_state(folder.path()); }).find("not a training state") != std::string::npos);
  for (const std::string iteration : {"", "x", "1.5", "-1", "99999999999999999999"}) {
    write_safetensors(path, {{}, {{"format", "optdnn training state 1"}, {"iteration", iteration}, {"seconds", "1"}}});
    REQUIRE(refusal([&] { load_state(folder.path()); }) != "accepted");
  }
}

TEST_CASE("weights of another network are refused by name and nothing is copied") {
  const TemporaryFolder folder;
  auto small = make_net(Net::convolutions), other = make_net(Net::with_batch_norm, 2);
  write_safetensors(folder / "weights", {named_weights(*small.ptr()), {}});
  const torch::Tensor before = flat_weights(other);
  const std::string message = refusal([&] { load_weights(*other.ptr(), folder / "weights"); });
  CAPTURE(message);
  REQUIRE(message.find("layers.1.bias is missing") != std::string::npos);
  REQUIRE(message.find("and ") != std::string::npos);
  REQUIRE(torch::equal(flat_weights(other), before));

  auto same = make_net(Net::convolutions, 9);
  load_weights(*same.ptr(), folder / "weights");
  REQUIRE(torch::equal(flat_weights(same), flat_weights(small)));

  TensorMap target{{"a", torch::zeros({2})}};
  REQUIRE(refusal([&] {
            copy_tensors({{"a", torch::ones({3})}}, target, "file");
          }) == "file does not fit: a has the shape [3] instead of [2]");
}

}  // namespace optdnn::training
