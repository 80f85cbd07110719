// How the processes of a world notice that one of them is gone, also while none of them talks: a ring in which each has
// a receive pending from its left neighbour from the start and sends its word to the right at its agreed end. A
// connection that closes without the word is a death. Whoever notices first writes into the store who it was, so that
// all say the same name, though they see their own neighbours end.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string_view>
#include <thread>

#include "optdnn/world/c10d.h"
#include "optdnn/world/place.h"

namespace optdnn::world {

class Life {
 public:
  Life(std::shared_ptr<Store> store, const Place& place);

  // Runs what talks to the others. Where that fails, says who is lost and ends the process, exit 3.
  void talk(const std::function<void()>& what);
  // Requires: every process has reached this point.
  void leave();
  bool abandon(std::string_view why);

 private:
  [[noreturn]] void end(std::optional<int> gone, const std::string& what);
  std::string who_is_lost(std::optional<int> gone, const std::string& what);
  std::string name_of(int rank);

  std::shared_ptr<Store> store_;
  const Place place_;
  std::unique_ptr<Group> ring_;
  std::string first_;  // rank 0, which may serve the store
  std::atomic<bool> ending_{false};
  std::thread watcher_;
};

}  // namespace optdnn::world
