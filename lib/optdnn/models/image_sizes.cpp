#include "optdnn/models/image_sizes.h"

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::models {

using base::concat;

namespace {

int64_t side_after(const std::optional<StemSpec>& stem, int64_t side_px) {
  if (!stem) return side_after(ConvStem{}, side_px);
  if (const auto* conv = std::get_if<ConvStem>(&*stem))
    return (side_px + 2 * (conv->kernel_px / 2) - conv->kernel_px) / conv->stride + 1;
  if (const auto* patches = std::get_if<PatchifyStem>(&*stem)) return side_px / patches->patch_px;
  if (const auto* tokens = std::get_if<ClassTokenStem>(&*stem)) return side_px / tokens->patch_px;
  return side_px;
}

bool rounds_down(const TransitionSpec& transition) {
  return std::holds_alternative<DenseTransition>(transition) || std::holds_alternative<NormConvTransition>(transition);
}

// The smallest image of which something is left. Sides grow with the image's.
int64_t smallest_side(const std::optional<StemSpec>& stem, const TransitionSpec& transition, size_t stages) {
  int64_t low = 0, high = 1;
  const auto fits = [&](int64_t side) { return sides_of_stages(stem, transition, stages, side).back() > 0; };
  while (!fits(high)) high *= 2;
  while (high - low > 1) (fits((low + high) / 2) ? high : low) = (low + high) / 2;
  return high;
}

// `place(i)` says what halves before stage i.
template <class Place>
void check_sizes(const std::optional<StemSpec>& stem, const TransitionSpec& transition, size_t stages,
                 const NetworkShape& shape, Place place, std::string_view or_else) {
  if (!shape.is_image()) return;
  const auto rows = sides_of_stages(stem, transition, stages, shape.input[1]);
  const auto columns = sides_of_stages(stem, transition, stages, shape.input[2]);
  size_t i = 0;
  while (i < stages && rows[i] > 0 && columns[i] > 0) ++i;
  if (i == 0 || i == stages) return;  // stems of patches say themselves which images they divide
  constexpr size_t kMostHalvings = 20;
  const int64_t side = stages > kMostHalvings ? 0 : smallest_side(stem, transition, stages);
  throw base::ConfigError(concat("images of ", shape.input[1], " x ", shape.input[2], " pixels are too small: ",
                                 place(i), " would halve ", rows[i - 1], " x ", columns[i - 1]),
                          side == 0 ? "fewer stages" : concat("images of at least ", side, " x ", side, or_else));
}

}  // namespace

std::vector<int64_t> sides_of_stages(const std::optional<StemSpec>& stem, const TransitionSpec& transition,
                                     size_t stages, int64_t side_px) {
  std::vector<int64_t> sides = {side_after(stem, side_px)};
  while (sides.size() < stages) sides.push_back((sides.back() + (rounds_down(transition) ? 0 : 1)) / 2);
  return sides;
}

void check_transition_sizes(const std::optional<StemSpec>& stem, const TransitionSpec& transition, size_t stages,
                            const NetworkShape& shape) {
  const auto place = [&](size_t stage) {
    return std::visit([&](const auto& t) { return concat("before stage ", stage, " transition '", t.kName, "'"); },
                      transition);
  };
  check_sizes(stem, transition, stages, shape, place, " pixels, or fewer stages");
}

void check_block_sizes(std::string_view model, const TransitionSpec& transition, size_t blocks,
                       const NetworkShape& shape) {
  const auto place = [&](size_t block) { return concat("before block ", block, " model '", model, "'"); };
  check_sizes(ConvStem{}, transition, blocks, shape, place, " pixels");
}

}  // namespace optdnn::models
