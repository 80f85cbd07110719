// What the world needs of LibTorch's c10d, whose headers only c10d.cpp includes: a store of strings that all processes
// see, and groups of processes that exchange tensors of the CPU through Gloo. Both throw where the others are gone or
// stay silent for too long.
#pragma once

#include <torch/torch.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "optdnn/world/place.h"

namespace optdnn::world {

class Store {
 public:
  // On a free port of this machine.
  static std::shared_ptr<Store> serve();
  // Keys get a prefix.
  static std::shared_ptr<Store> join(const std::string& address, uint16_t port, bool serves,
                                     std::chrono::milliseconds patience, const std::string& prefix);
  virtual ~Store() = default;

  virtual uint16_t port() const = 0;
  virtual void set(const std::string& key, const std::string& value) = 0;
  // What stands there then: `value`, or what stood there before.
  virtual std::string set_first(const std::string& key, const std::string& value) = 0;
  virtual bool has(const std::string& key) = 0;
  virtual std::string get(const std::string& key) = 0;  // waits for it
};

class Group {
 public:
  // Every process makes its groups in the same order; all have come within `place.time_to_meet()`. `patience`: after
  // which a silent process is an error; none: never.
  static std::unique_ptr<Group> make(Store& store, const std::string& name, const Place& place,
                                     std::optional<std::chrono::milliseconds> patience);
  virtual ~Group() = default;

  // Requires: contiguous, on the CPU.
  virtual void sum(torch::Tensor tensor) = 0;
  virtual void give(torch::Tensor tensor) = 0;  // rank 0's
  virtual void send(torch::Tensor tensor, int to) = 0;
  // Begins to receive; the call of what it returns waits until it has come.
  virtual std::function<void()> receive(torch::Tensor tensor, int from) = 0;
};

}  // namespace optdnn::world
