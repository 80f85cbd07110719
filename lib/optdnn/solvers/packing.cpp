#include "optdnn/solvers/packing.h"

namespace optdnn::solvers {

using torch::Tensor;

Packing::Packing(const std::vector<Tensor>& like) : options_(like.front().options().requires_grad(false)) {
  if (like.front().dim() == 3) runs_ = like.front().size(0);
  for (const Tensor& tensor : like) {
    Block& block = blocks_.emplace_back();
    const bool image = tensor.dim() == 4;
    block.channels_last = image && tensor.is_contiguous(torch::MemoryFormat::ChannelsLast);
    const Tensor lying = block.channels_last ? tensor.permute({0, 2, 3, 1}) : tensor;
    block.sizes = lying.sizes().vec();
    block.length = image ? tensor.numel() / tensor.size(0) : tensor.size(-1);
    samples_ = tensor.numel() / block.length;
  }
}

Tensor Packing::zeros() const {
  int64_t length = 0;
  for (const Block& block : blocks_) length += block.length;
  return torch::zeros({samples_, length}, options_);
}

Tensor Packing::pack(const std::vector<Tensor>& unknowns) const {
  std::vector<Tensor> rows;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Tensor lying = blocks_[i].channels_last ? unknowns[i].permute({0, 2, 3, 1}) : unknowns[i];
    rows.push_back(lying.reshape({samples_, blocks_[i].length}).to(options_.dtype()));
  }
  return rows.size() == 1 ? rows.front() : torch::cat(rows, 1);
}

std::vector<Tensor> Packing::unpack(const Tensor& rows_SN) const {
  std::vector<Tensor> unknowns;
  int64_t first = 0;
  for (const Block& block : blocks_) {
    const Tensor lying = rows_SN.narrow(1, first, block.length).reshape(block.sizes);
    unknowns.push_back(block.channels_last ? lying.permute({0, 3, 1, 2}) : lying);
    first += block.length;
  }
  return unknowns;
}

}  // namespace optdnn::solvers
