// Winograd's kernels for processors with AVX-512, compiled for them: see CMakeLists.txt.
#include "optdnn/kernels/winograd_passes.h"

namespace optdnn::kernels {

const CpuConvolveKernels& winograd_avx512(Way way) { return way == Way::tile_2 ? kKernels<Tile2> : kKernels<Tile4>; }

}  // namespace optdnn::kernels
