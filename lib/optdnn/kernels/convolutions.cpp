#include "optdnn/kernels/convolutions.h"

#include <algorithm>
#include <atomic>

#include "optdnn/kernels/cpu_convolve.h"

namespace optdnn::kernels {

namespace {

constexpr int64_t kMostByRows = 6;  // channels, beyond which tiles are as fast
// Pixels of all images; for the weights an image must have so many, and all eight times as many.
constexpr int64_t kFewestPixelsByRows = 1024, kFewestPixelsByRowsForWeights = 8 * kFewestPixelsByRows;
constexpr int64_t kFewestContracted = 6;      // channels that forward and data sum over,
constexpr int64_t kFewestContractedFast = 4;  // by F(4x4)
constexpr int64_t kFewestForWeights = 12;     // inputs for the weights' gradient
constexpr int64_t kNarrow = 8;                // on both sides, whose vectors are full
constexpr int64_t kMostChannels = 511;        // beyond it the weights at the points fit no cache
constexpr int64_t kManyWeights = 128 * 128;   // at the points more than a second-level cache holds

// Tiles of the whole batch, for which the weights at the points are read: the more, the larger these are.
constexpr int64_t kFewestTiles = 16, kFewestTilesForMany = 96;
constexpr int64_t kWeightsPerTile = 64;  // images by F(4x4): a tile for so many weights, within these bounds
constexpr int64_t kDirectProducts = 9;   // of a pixel

constexpr int64_t kPoints2 = 16, kPoints4 = 36;  // of a tile

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Few channels, as many out as in: tiles leave most lanes of a vector empty.
bool rows_suit(Pass pass, const ConvolutionShape& shape) {
  if (shape.inputs != shape.outputs || shape.inputs > kMostByRows) return false;
  const int64_t of_image = shape.height * shape.width, pixels = shape.images * of_image;
  if (pass != Pass::weights) return pixels >= kFewestPixelsByRows;
  return of_image >= kFewestPixelsByRows && pixels >= kFewestPixelsByRowsForWeights;
}

// Whether tiles pay for so many channels.
bool channels_suit(Convolutions how, Pass pass, const ConvolutionShape& shape) {
  const bool fast = how == Convolutions::fast;
  const int64_t fewest = fast ? kFewestContractedFast : kFewestContracted;
  if (std::max(shape.inputs, shape.outputs) > kMostChannels) return false;
  switch (pass) {
    case Pass::forward:
      return shape.inputs >= fewest;
    case Pass::data:
      return shape.outputs >= fewest;
    case Pass::weights:
      if (fast && shape.inputs == kNarrow && shape.outputs == kNarrow) return true;
      return shape.inputs >= kFewestForWeights;
  }
  return false;
}

// Tiles of outputs x outputs pixels that cover an image.
int64_t tiles_of(const ConvolutionShape& shape, int64_t outputs) {
  return divide_up(shape.height, outputs) * divide_up(shape.width, outputs);
}

int64_t fewest_tiles(Pass pass, const ConvolutionShape& shape, int64_t points) {
  const int64_t weights = shape.inputs * shape.outputs;
  if (weights > kManyWeights) return kFewestTilesForMany;
  if (pass == Pass::weights || points == kPoints2) return kFewestTiles;
  return std::clamp(weights / kWeightsPerTile, kFewestTiles, kFewestTilesForMany);
}

// Whether tiles with so many points save products, those that reach over the edge included, and are enough.
bool tiles_suit(Pass pass, const ConvolutionShape& shape, int64_t tiles, int64_t points) {
  return tiles * points < kDirectProducts * shape.height * shape.width &&
         shape.images * tiles >= fewest_tiles(pass, shape, points);
}

}  // namespace

const base::NameTable<Convolutions>& enum_names(Convolutions) {
  static const base::NameTable<Convolutions> names(
      "convolutions",
      {
          {"fast", "on the CPU 3x3 convolutions by Winograd's F(4x4): half the time, other rounding",
           Convolutions::fast},
          {"careful", "by F(2x2): less gain, and less rounding error than the direct way", Convolutions::careful},
          {"exact", "LibTorch's, bit by bit", Convolutions::exact},
      });
  return names;
}

std::string_view name_of(Pass pass) {
  constexpr std::array<std::string_view, kPasses.size()> names = {"forward", "data", "weights"};
  return names[static_cast<size_t>(pass)];
}

std::string_view name_of(Way way) {
  switch (way) {
    case Way::tile_4:
      return "F(4x4)";
    case Way::tile_2:
      return "F(2x2)";
    case Way::rows:
      return "rows";
    case Way::gpu:
      return "GPU kernels";
    case Way::libtorch:
      break;
  }
  return "LibTorch";
}

Way way_of(Convolutions how, Pass pass, const ConvolutionShape& shape) {
  if (how == Convolutions::exact || best_instructions() == Instructions::none) return Way::libtorch;
  if (rows_suit(pass, shape)) return Way::rows;
  if (!channels_suit(how, pass, shape)) return Way::libtorch;
  const int64_t tiles_2 = tiles_of(shape, 2), tiles_4 = tiles_of(shape, 4);
  const bool by_4 = how == Convolutions::fast && tiles_4 * kPoints4 < tiles_2 * kPoints2;
  if (by_4 && tiles_suit(pass, shape, tiles_4, kPoints4)) return Way::tile_4;
  return tiles_suit(pass, shape, tiles_2, kPoints2) ? Way::tile_2 : Way::libtorch;
}

ConvolutionCounts ConvolutionCounts::operator-(const ConvolutionCounts& before) const {
  ConvolutionCounts since = *this;
  since.normed -= before.normed;
  for (const Pass pass : kPasses) {
    for (const Way way : kWays) since.at(pass, way) -= before.at(pass, way);
  }
  return since;
}

namespace {
std::array<std::array<std::atomic<int64_t>, kWays.size()>, kPasses.size()> counters;
std::atomic<int64_t> normed_counter;
}  // namespace

void count(Pass pass, Way way) { ++counters[static_cast<size_t>(pass)][static_cast<size_t>(way)]; }

void count_normed() { ++normed_counter; }

ConvolutionCounts counted_convolutions() {
  ConvolutionCounts counts;
  counts.normed = normed_counter;
  for (const Pass pass : kPasses) {
    for (const Way way : kWays) counts.at(pass, way) = counters[static_cast<size_t>(pass)][static_cast<size_t>(way)];
  }
  return counts;
}

}  // namespace optdnn::kernels
