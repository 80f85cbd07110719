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

}  // namespace

TEST_CASE("a state reads back with every digit") {
  const TemporaryFolder folder;
  REQUIRE(!load_state(folder.path()));
  save_state(folder.path(), {12, 0.1 + 0.2, 1.0 / 3, 7, {{"weights/a", torch::ones({2})}}});
  const auto state = load_state(folder.path());
  REQUIRE(state->iteration == 12);
  REQUIRE(state->seconds == 0.1 + 0.2);
  REQUIRE(state->best == 1.0 / 3);
  REQUIRE(state->best_iteration == 7);
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
