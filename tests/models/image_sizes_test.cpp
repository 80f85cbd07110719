// Images too small for a network are refused with the smallest size that is not; the maps themselves say which those
// are.
#include "optdnn/models/image_sizes.h"

#include "optdnn/base/errors.h"
#include "optdnn/models/ends.h"
#include "optdnn/models/network.h"
#include "support/catch.h"

using namespace optdnn::models;
using optdnn::base::ConfigError;

namespace {

std::vector<StemSpec> stems() {
  std::vector<StemSpec> all = {IdentityStem{}, PatchifyStem{}, PatchifyStem{.patch_px = 1}};
  for (const int64_t kernel : {1, 2, 3, 6, 7}) {
    for (const int64_t stride : {1, 2, 5}) all.emplace_back(ConvStem{.kernel_px = kernel, .stride = stride});
  }
  return all;
}

std::vector<TransitionSpec> transitions() {
  return {PadTransition{}, ConvTransition{}, DenseTransition{}, NormConvTransition{}};
}

// The sides that the maps make, until one of them finds too little.
std::vector<int64_t> sides_made(const StemSpec& stem, const TransitionSpec& transition, size_t stages, int64_t side) {
  const torch::NoGradGuard no_grad;
  torch::Tensor x = make_stem(stem, {{2, side, side + 8}, 3}, 2)->forward(torch::zeros({2, 2, side, side + 8}));
  std::vector<int64_t> sides = {x.size(2)};
  while (sides.size() < stages) {
    try {
      x = make_transition(transition, 2, 2, true)->forward(x);
    } catch (const c10::Error&) {
      break;
    }
    sides.push_back(x.size(2));
  }
  sides.resize(stages, 0);
  return sides;
}

std::string refusal(const StemSpec& stem, const TransitionSpec& transition, size_t stages, int64_t side) try {
  check_transition_sizes(stem, transition, stages, {{2, side, side + 8}, 3});
  return "";
} catch (const ConfigError& error) {
  return error.what() + std::string("; ") + error.hint();
}

}  // namespace

TEST_CASE("the sides of the stages are those that stem and transitions make") {
  constexpr size_t kStages = 4;
  for (const StemSpec& stem : stems()) {
    for (const TransitionSpec& transition : transitions()) {
      const bool patches = std::holds_alternative<PatchifyStem>(stem) && std::get<PatchifyStem>(stem).patch_px > 1;
      int64_t smallest = 0;
      for (int64_t side = patches ? 4 : 1; side <= 40; side += patches ? 4 : 1) {
        CAPTURE(stem.index(), transition.index(), side);
        const auto made = sides_made(stem, transition, kStages, side);
        REQUIRE(sides_of_stages(stem, transition, kStages, side) == made);
        REQUIRE(refusal(stem, transition, kStages, side).empty() == (made.back() > 0));
        if (smallest == 0 && made.back() > 0) smallest = side;
      }
      if (const std::string text = refusal(stem, transition, kStages, patches ? 4 : 1); !text.empty()) {
        REQUIRE(text.ends_with("images of at least " + std::to_string(smallest) + " x " + std::to_string(smallest) +
                               " pixels, or fewer stages"));
      }
    }
  }
}

TEST_CASE("the stage, what halves there and the smallest size are named") {
  CHECK(refusal(PatchifyStem{}, NormConvTransition{}, 4, 20) ==
        "images of 20 x 28 pixels are too small: before stage 3 transition 'norm_conv' would halve 1 x 1; "
        "images of at least 32 x 32 pixels, or fewer stages");
  CHECK(refusal(ConvStem{}, DenseTransition{}, 60, 20)
            .ends_with("before stage 5 transition 'dense' would halve 1 x 1; "
                       "fewer stages"));
}
