// A world of several processes: tensors of the CPU through Gloo, those of GPUs through NCCL, or through the host where
// processes share a GPU.
#include <mutex>

#include "optdnn/base/device.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/world/life.h"
#include "optdnn/world/nccl.h"
#include "optdnn/world/world.h"

namespace optdnn::world {

using torch::Tensor;

namespace {

class GlooWorld : public World {
 public:
  explicit GlooWorld(const Place& place)
      : World(place.rank, place.size),
        store_(Store::join(place.address, place.port, place.rank == 0 && !place.agent_store, place.time_to_meet(),
                           "optdnn/" + place.restart)),
        work_(Group::make(*store_, "work", place, place.patience)),
        patient_(Group::make(*store_, "patient", place, {})),
        life_(store_, place) {
    find_neighbours();
  }

  void sum(const std::vector<Tensor>& tensors) const override {
    if (tensors.empty()) return;
    if (uses_nccl(tensors.front().device())) return nccl(tensors.front().device()).sum(tensors);
    through_one(tensors, [&](const Tensor& flat) { work_->sum(flat); });
  }

  void give(const std::vector<Tensor>& tensors) const override {
    if (tensors.empty()) return;
    if (uses_nccl(tensors.front().device())) return nccl(tensors.front().device()).give(tensors);
    through_one(tensors, [&](const Tensor& flat) { work_->give(flat); });
  }

  void wait_for_all() const override {
    const Tensor here = torch::zeros({1});
    life_.talk([&] { patient_->sum(here); });
  }

  void leave() override {
    wait_for_all();
    life_.leave();
  }

  bool abandon(std::string_view why) override { return life_.abandon(why); }

 private:
  using Talk = std::function<void(const Tensor& flat)>;

  // As one piece of memory on the CPU: the order in which it is summed is then always the same.
  void through_one(const std::vector<Tensor>& tensors, const Talk& talk) const {
    const torch::NoGradGuard no_grad;
    const Tensor& first = tensors.front();
    if (tensors.size() == 1 && first.is_cpu() && first.is_contiguous()) return life_.talk([&] { talk(first); });
    std::vector<Tensor> parts;
    for (const Tensor& tensor : tensors) parts.push_back(tensor.detach().reshape({-1}));
    const Tensor flat = torch::cat(parts).cpu();
    life_.talk([&] { talk(flat); });
    int64_t begin = 0;
    for (const Tensor& tensor : tensors) {
      Tensor whole = tensor.detach();
      whole.copy_(flat.narrow(0, begin, whole.numel()).view(whole.sizes()));
      begin += whole.numel();
    }
  }

  // Processes of one machine have one name; where they are more than its GPUs, NCCL would refuse.
  void find_neighbours() {
    const auto own = static_cast<int64_t>(std::hash<std::string>()(name_of_this_machine()));
    const Tensor names = rows(torch::tensor({own}, torch::kInt64)).flatten();
    local_size_ = 0;
    for (int rank = 0; rank < size_; ++rank) {
      if (names.const_data_ptr<int64_t>()[rank] != own) continue;
      if (rank < rank_) ++local_rank_;
      ++local_size_;
    }
    const int gpus = base::gpus();
    shares_gpus_ = any(gpus < local_size_);
    if (shares_gpus_ && gpus > 0 && writes())
      base::log_warning(base::concat(local_size_, " processes share ", gpus, gpus == 1 ? " GPU" : " GPUs",
                                     ": their sums go through the host"));
  }

  bool uses_nccl(const torch::Device& device) const { return !device.is_cpu() && !shares_gpus_; }
  Nccl& nccl(const torch::Device& device) const {
    const std::lock_guard lock(mutex_);
    if (!nccl_) {
      const std::string meeting = World::give(writes() ? Nccl::new_meeting() : std::string());
      nccl_ = std::make_unique<Nccl>(rank_, size_, meeting, device);
    }
    return *nccl_;
  }

  std::shared_ptr<Store> store_;
  std::unique_ptr<Group> work_, patient_;
  mutable Life life_;
  bool shares_gpus_ = false;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<Nccl> nccl_;
};

}  // namespace

std::unique_ptr<World> World::join(const Place& place) {
  try {
    return std::make_unique<GlooWorld>(place);
  } catch (const base::Error&) {
    throw;
  } catch (const std::exception& error) {
    const std::string what = error.what();
    throw base::EnvironmentError(
        base::concat("the other processes do not come: rank ", place.rank, " of ", place.size, " waited at ",
                     place.address, ":", place.port, ": ", what.substr(0, what.find('\n'))),
        "start as many as WORLD_SIZE says, where MASTER_ADDR can be reached");
  }
}

}  // namespace optdnn::world
