// By which algorithm a 3x3 convolution on the CPU is done: the one place that decides, by a fixed rule of shape and
// pass, since a choice timed at run time would make a run's bits depend on noise. What was done is counted.
// scripts/bench/convolutions.py measures what the rule stands on; README.md has its table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "optdnn/base/names.h"

namespace optdnn::kernels {

struct ConvolutionShape {
  int64_t images, height, width, inputs, outputs;
};

// fast: F(4x4, 3x3) where it pays; careful: F(2x2, 3x3), whose rounding error is below the direct way's; exact:
// LibTorch's own. Both take rows at once where channels are few. On a GPU the first two are the same.
enum class Convolutions { fast, careful, exact };
const base::NameTable<Convolutions>& enum_names(Convolutions);

enum class Pass { forward, data, weights };
constexpr std::array kPasses = {Pass::forward, Pass::data, Pass::weights};
std::string_view name_of(Pass pass);

// By tiles: Winograd's F(2x2, 3x3) and F(4x4, 3x3). By rows: the direct way for few channels, as many out as in.
enum class Way { libtorch, tile_2, tile_4, rows, gpu };
constexpr std::array kWays = {Way::tile_4, Way::tile_2, Way::rows, Way::gpu, Way::libtorch};
std::string_view name_of(Way way);

// For float32 of stride 1 and one pixel of zeros around, channels innermost. LibTorch's where this processor has no
// kernels.
Way way_of(Convolutions how, Pass pass, const ConvolutionShape& shape);

// How many passes of convolutions were done each way. Of those LibTorch does as a whole the forward one counts alone.
struct ConvolutionCounts {
  std::array<std::array<int64_t, kWays.size()>, kPasses.size()> of = {};
  int64_t normed = 0;  // of the forward ones, that made the norm and relu before them too

  int64_t& at(Pass pass, Way way) { return of[static_cast<size_t>(pass)][static_cast<size_t>(way)]; }
  int64_t at(Pass pass, Way way) const { return of[static_cast<size_t>(pass)][static_cast<size_t>(way)]; }
  ConvolutionCounts operator-(const ConvolutionCounts& before) const;
};

// Of this process so far, all threads.
void count(Pass pass, Way way);
void count_normed();
ConvolutionCounts counted_convolutions();

}  // namespace optdnn::kernels
