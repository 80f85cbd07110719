// Winograd's kernels for processors with AVX-512, compiled for them: see CMakeLists.txt.
#include "optdnn/kernels/winograd_passes.h"

namespace optdnn::kernels {

const WinogradKernels& winograd_avx512(WinogradTile tile) {
  return tile == WinogradTile::two ? kKernels<Tile2> : kKernels<Tile4>;
}

}  // namespace optdnn::kernels
