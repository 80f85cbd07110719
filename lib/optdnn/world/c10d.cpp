#include "optdnn/world/c10d.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace optdnn::world {

namespace {

using Tensors = std::vector<torch::Tensor>;
constexpr std::chrono::milliseconds kForever = std::chrono::hours(24 * 365);

class TcpStore : public Store {
 public:
  TcpStore(const std::string& address, const c10d::TCPStoreOptions& options, const std::string& prefix)
      : tcp_(c10::make_intrusive<c10d::TCPStore>(address, options)),
        store_(c10::make_intrusive<c10d::PrefixStore>(prefix, tcp_)) {}

  uint16_t port() const override { return tcp_->getPort(); }
  void set(const std::string& key, const std::string& value) override { store_->set(key, value); }
  std::string set_first(const std::string& key, const std::string& value) override {
    return store_->compareSet(key, "", value);
  }
  bool has(const std::string& key) override { return store_->check({key}); }
  std::string get(const std::string& key) override { return store_->get_to_str(key); }

  c10::intrusive_ptr<c10d::Store> of(const std::string& group) const {
    return c10::make_intrusive<c10d::PrefixStore>(group, store_);
  }

 private:
  c10::intrusive_ptr<c10d::TCPStore> tcp_;
  c10::intrusive_ptr<c10d::Store> store_;
};

class GlooGroup : public Group {
 public:
  GlooGroup(const TcpStore& store, const std::string& name, const Place& place,
            std::optional<std::chrono::milliseconds> patience) {
    auto options = c10d::ProcessGroupGloo::Options::create(place.time_to_meet());
    options->devices.push_back(place.own_address.empty()
                                   ? c10d::ProcessGroupGloo::createDefaultDevice()
                                   : c10d::ProcessGroupGloo::createDeviceForHostname(place.own_address));
    group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store.of(name), place.rank, place.size, options);
    group_->setTimeout(patience.value_or(kForever));
  }

  void sum(torch::Tensor tensor) override {
    Tensors tensors = {std::move(tensor)};
    group_->allreduce(tensors)->wait();
  }
  void give(torch::Tensor tensor) override {
    Tensors tensors = {std::move(tensor)};
    group_->broadcast(tensors)->wait();
  }
  // Left to itself, a wait between two processes ends after the time to meet: setTimeout() reaches sums alone.
  void send(torch::Tensor tensor, int to) override {
    Tensors tensors = {std::move(tensor)};
    group_->send(tensors, to, 0)->wait(kForever);
  }
  std::function<void()> receive(torch::Tensor tensor, int from) override {
    Tensors tensors = {std::move(tensor)};
    return [work = group_->recv(tensors, from, 0), tensors] { work->wait(kForever); };
  }

 private:
  c10::intrusive_ptr<c10d::Backend> group_;
};

}  // namespace

std::shared_ptr<Store> Store::serve() {
  c10d::TCPStoreOptions options;
  options.port = 0;
  options.isServer = true;
  options.waitWorkers = false;
  return std::make_shared<TcpStore>("127.0.0.1", options, "");
}

std::shared_ptr<Store> Store::join(const std::string& address, uint16_t port, bool serves,
                                   std::chrono::milliseconds patience, const std::string& prefix) {
  c10d::TCPStoreOptions options;
  options.port = port;
  options.isServer = serves;
  options.waitWorkers = false;
  options.timeout = patience;
  return std::make_shared<TcpStore>(address, options, prefix);
}

std::unique_ptr<Group> Group::make(Store& store, const std::string& name, const Place& place,
                                   std::optional<std::chrono::milliseconds> patience) {
  return std::make_unique<GlooGroup>(dynamic_cast<TcpStore&>(store), name, place, patience);
}

}  // namespace optdnn::world
