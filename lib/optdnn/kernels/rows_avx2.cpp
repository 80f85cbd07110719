// Convolutions of few channels for processors with AVX2, compiled for them: see CMakeLists.txt.
#include "optdnn/kernels/narrow_rows.h"

namespace optdnn::kernels {

const CpuConvolveKernels& rows_avx2() { return kRowKernels; }

}  // namespace optdnn::kernels
