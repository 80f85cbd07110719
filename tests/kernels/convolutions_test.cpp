// The rule by which a convolution is done: what it says of the shapes it was measured at.
#include "optdnn/kernels/convolutions.h"

#include "optdnn/kernels/cpu_convolve.h"
#include "support/catch.h"

namespace optdnn::kernels {
namespace {

constexpr auto kFast = Convolutions::fast, kCareful = Convolutions::careful, kExact = Convolutions::exact;

struct Case {
  Pass pass;
  ConvolutionShape shape;
  Way fast, careful;
};
// images, height, width, inputs, outputs
const std::vector<Case> kCases = {
    {Pass::forward, {128, 32, 32, 16, 16}, Way::tile_4, Way::tile_2},
    {Pass::data, {128, 8, 8, 64, 64}, Way::tile_4, Way::tile_2},
    {Pass::weights, {32, 28, 28, 64, 64}, Way::tile_4, Way::tile_2},
    // a tile of 4 x 4 that reaches too far over the edge
    {Pass::forward, {64, 5, 5, 32, 32}, Way::tile_2, Way::tile_2},
    {Pass::forward, {64, 2, 2, 32, 32}, Way::tile_2, Way::tile_2},
    {Pass::forward, {64, 7, 7, 32, 32}, Way::tile_4, Way::tile_2},
    {Pass::forward, {64, 1, 1, 32, 32}, Way::libtorch, Way::libtorch},
    // few tiles, and few for many weights
    {Pass::forward, {1, 8, 8, 64, 64}, Way::tile_2, Way::tile_2},
    {Pass::forward, {8, 8, 8, 64, 64}, Way::tile_2, Way::tile_2},
    {Pass::weights, {8, 8, 8, 64, 64}, Way::tile_4, Way::tile_2},
    {Pass::forward, {16, 8, 8, 64, 64}, Way::tile_4, Way::tile_2},
    {Pass::forward, {1, 4, 4, 64, 64}, Way::libtorch, Way::libtorch},
    {Pass::data, {8, 14, 14, 256, 256}, Way::tile_4, Way::tile_2},
    {Pass::data, {4, 14, 14, 256, 256}, Way::tile_2, Way::tile_2},
    {Pass::forward, {8, 7, 7, 512, 512}, Way::libtorch, Way::libtorch},
    // few channels
    {Pass::forward, {128, 32, 32, 3, 16}, Way::libtorch, Way::libtorch},
    {Pass::data, {128, 32, 32, 3, 16}, Way::tile_4, Way::tile_2},
    {Pass::forward, {128, 32, 32, 4, 8}, Way::tile_4, Way::libtorch},
    {Pass::forward, {128, 32, 32, 7, 7}, Way::tile_4, Way::tile_2},
    {Pass::weights, {128, 32, 32, 3, 16}, Way::libtorch, Way::libtorch},
    {Pass::weights, {128, 32, 32, 8, 8}, Way::tile_4, Way::libtorch},
    {Pass::weights, {128, 32, 32, 8, 16}, Way::libtorch, Way::libtorch},
    {Pass::weights, {128, 16, 16, 160, 12}, Way::tile_4, Way::tile_2},
    // few channels, as many out as in, and pixels enough
    {Pass::forward, {128, 32, 32, 1, 1}, Way::rows, Way::rows},
    {Pass::data, {1, 32, 32, 6, 6}, Way::rows, Way::rows},
    {Pass::forward, {1, 31, 32, 6, 6}, Way::tile_4, Way::tile_2},
    {Pass::weights, {8, 32, 32, 5, 5}, Way::rows, Way::rows},
    {Pass::weights, {7, 32, 32, 5, 5}, Way::libtorch, Way::libtorch},
    {Pass::weights, {64, 16, 16, 5, 5}, Way::libtorch, Way::libtorch},
};

}  // namespace

TEST_CASE("the rule is fixed by shape and pass") {
  const bool here = best_instructions() != Instructions::none;
  for (const Case& c : kCases) {
    INFO(name_of(c.pass) << ", " << c.shape.images << " images of " << c.shape.height << " px, " << c.shape.inputs
                         << " to " << c.shape.outputs << " channels");
    CHECK(way_of(kExact, c.pass, c.shape) == Way::libtorch);
    CHECK(way_of(kFast, c.pass, c.shape) == (here ? c.fast : Way::libtorch));
    CHECK(way_of(kCareful, c.pass, c.shape) == (here ? c.careful : Way::libtorch));
  }
}

}  // namespace optdnn::kernels
