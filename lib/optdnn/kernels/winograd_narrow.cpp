// Winograd's kernels with AVX-512's registers and vectors of half their length, for at most eight channels, which would
// leave half of every vector empty.
#define OPTDNN_EIGHT_LANES
#include "optdnn/kernels/winograd_passes.h"

namespace optdnn::kernels {

const CpuConvolveKernels& winograd_narrow(Way way) { return way == Way::tile_2 ? kKernels<Tile2> : kKernels<Tile4>; }

}  // namespace optdnn::kernels
