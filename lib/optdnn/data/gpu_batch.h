// A batch of images put together on a GPU by one kernel (kernels/gpu/batch.cuh), with its labels. Its slow twin are
// some forty operators (augment.h), equal bit for bit.
#pragma once

#include "optdnn/data/augment.h"
#include "optdnn/data/dataset.h"

namespace optdnn::data {

// Whether there is a kernel for it. Shapes: images_NCHW uint8, labels_N int64.
bool gpu_batch_fits(const torch::Tensor& images_NCHW, const torch::Tensor& labels_N);

// As augmented() and the labels, the images' channels innermost in memory. Requires: gpu_batch_fits.
Batch gpu_batch(const torch::Tensor& images_NCHW, const torch::Tensor& labels_N, const std::vector<int64_t>& samples,
                const std::vector<AugmentParameters>& parameters, const torch::Tensor& black_C,
                const torch::Tensor& scale_C, CropFill fill);

}  // namespace optdnn::data
