// The processes that train one network together. Each has a rank; together they do what one alone would do, up to
// rounding, because a batch, its loss and its metrics are those of all of them. Made of LibTorch's own c10d: a TCPStore
// to meet at, Gloo between CPUs, NCCL between GPUs. A world of one process does nothing and costs nothing.
//
// Every process calls the members that talk in the same order, with tensors of the same shapes, and each ends with the
// same bits. One that ends in another way than by leave() takes the others with it: they say which one is gone and end
// with ExitCode::environment, within seconds.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "optdnn/world/place.h"

namespace optdnn::world {

class World {
 public:
  static const World& alone();
  // Meets the others at a place of more than one. Errors: EnvironmentError if they do not come within `time_to_meet`.
  static std::unique_ptr<World> join(const Place& place);

  virtual ~World() = default;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_alone() const { return size_ == 1; }
  bool writes() const { return rank_ == 0; }      // the one that touches run folders and prints
  int local_rank() const { return local_rank_; }  // among those of this machine
  int local_size() const { return local_size_; }

  // Whether this process's share of the current batch is more than nothing. One that has nothing takes part with a
  // sample that does not count, so that all do the same.
  bool counts() const { return counts_; }
  void set_counts(bool counts) const { counts_ = counts; }

  // In place; the tensors of a list have one type and one device. The order of a sum is fixed by the world's size.
  virtual void sum(const std::vector<torch::Tensor>& tensors) const = 0;
  // Rank 0's to all, in place.
  virtual void give(const std::vector<torch::Tensor>& tensors) const = 0;
  // Returns when all are here, however long that takes; the others wait for a slow one, not for a dead one.
  virtual void wait_for_all() const = 0;
  // The last call of a process that ends as it should; returns when all are here.
  virtual void leave() = 0;
  // Before a process ends in another way: what the others are told. The world must then live as long as the process.
  // Returns false where another one has told the same.
  virtual bool abandon(std::string_view why) = 0;

  // Shapes: of each process N -> R x N, in the order of ranks.
  torch::Tensor rows(const torch::Tensor& row) const;
  // Likewise tables that differ in their number of rows, one below the other: of each process M x N -> sum of M x N.
  torch::Tensor together(const torch::Tensor& table) const;
  std::string give(const std::string& text) const;  // rank 0's
  bool any(bool here) const;
  // Errors: EnvironmentError naming `what` and the ranks that do not hold the number of rank 0.
  void must_agree(std::string_view what, int64_t number) const;

 protected:
  World(int rank, int size) : rank_(rank), size_(size) {}
  int rank_, size_, local_rank_ = 0, local_size_ = 1;
  mutable bool counts_ = true;
};

}  // namespace optdnn::world
