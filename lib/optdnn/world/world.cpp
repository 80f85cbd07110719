#include "optdnn/world/world.h"

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::world {

using torch::Tensor;

namespace {

class Alone : public World {
 public:
  Alone() : World(0, 1) {}
  void sum(const std::vector<Tensor>&) const override {}
  void give(const std::vector<Tensor>&) const override {}
  void wait_for_all() const override {}
  void leave() override {}
  bool abandon(std::string_view) override { return true; }
};

}  // namespace

const World& World::alone() {
  static const Alone alone;
  return alone;
}

// As a sum in which each process has zeros in the others' rows: adding zero is exact.
Tensor World::rows(const Tensor& row) const {
  Tensor all = torch::zeros({size_, row.numel()}, row.options());
  all[rank_].copy_(row.detach().reshape({-1}));
  sum({all});
  return all;
}

Tensor World::together(const Tensor& table) const {
  const Tensor counts = rows(torch::tensor({table.size(0)}, torch::kInt64)).flatten();
  Tensor padded = torch::zeros({counts.max().item<int64_t>(), table.size(1)}, table.options());
  if (padded.numel() == 0) return padded;
  padded.narrow(0, 0, table.size(0)).copy_(table);
  const Tensor all = rows(padded);
  std::vector<Tensor> parts;
  for (int rank = 0; rank < size_; ++rank)
    parts.push_back(all[rank].view_as(padded).narrow(0, 0, counts[rank].item<int64_t>()));
  return torch::cat(parts);
}

std::string World::give(const std::string& text) const {
  Tensor length = torch::tensor({static_cast<int64_t>(text.size())}, torch::kInt64);
  give({length});
  Tensor bytes = torch::zeros({length.item<int64_t>()}, torch::kUInt8);
  if (rank_ == 0) std::copy(text.begin(), text.end(), bytes.data_ptr<uint8_t>());
  if (bytes.numel() > 0) give({bytes});
  return {reinterpret_cast<const char*>(bytes.data_ptr<uint8_t>()), static_cast<size_t>(bytes.numel())};
}

bool World::any(bool here) const {
  if (is_alone()) return here;
  const Tensor count = torch::tensor({here ? 1.0 : 0.0}, torch::kFloat64);
  sum({count});
  return count.item<double>() > 0;
}

void World::must_agree(std::string_view what, int64_t number) const {
  if (is_alone()) return;
  const Tensor all = rows(torch::tensor({number}, torch::kInt64)).flatten();
  const int64_t* numbers = all.const_data_ptr<int64_t>();
  std::vector<std::string> others;
  for (int rank = 1; rank < size_; ++rank) {
    if (numbers[rank] != numbers[0]) others.push_back(std::to_string(rank));
  }
  if (others.empty()) return;
  throw base::EnvironmentError(base::concat("the processes do not agree on ", what, ": rank ", base::join(others, ", "),
                                            others.size() == 1 ? " differs" : " differ", " from rank 0"),
                               "machines of one kind, one program and one set of files; a fault of memory looks like "
                               "this too. The same command continues from the last checkpoint");
}

}  // namespace optdnn::world
