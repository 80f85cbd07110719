// Between the states of a network and the S x N tensors of the solvers. A sample of B x C x H x W is an image, one of
// R x B x D is a vector of one run, so S is B and R B. Several unknowns stand side by side in a row. Images keep the
// order their memory has, so that packing one of them copies nothing.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace optdnn::solvers {

class Packing {
 public:
  // Unknowns shaped (and of the number type) as these. Requires equal numbers of samples.
  explicit Packing(const std::vector<torch::Tensor>& like);

  // R of R x B x D, else 1: runs whose samples follow each other.
  int64_t runs() const { return runs_; }
  torch::Tensor zeros() const;
  torch::Tensor pack(const std::vector<torch::Tensor>& unknowns) const;
  std::vector<torch::Tensor> unpack(const torch::Tensor& rows_SN) const;

 private:
  struct Block {
    std::vector<int64_t> sizes;  // as they lie in memory
    bool channels_last = false;
    int64_t length = 0;
  };
  std::vector<Block> blocks_;
  int64_t samples_ = 0, runs_ = 1;
  torch::TensorOptions options_;
};

}  // namespace optdnn::solvers
