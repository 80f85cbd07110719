#include "optdnn/world/life.h"

#include <unistd.h>

#include <future>
#include <iostream>
#include <vector>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::world {

using base::concat;
using namespace std::chrono_literals;

namespace {

constexpr auto kReport = 1s;      // for all who live to say so
constexpr auto kAnswer = 2500ms;  // for the store
constexpr const char* kLost = "lost";

std::string here(int rank) { return concat("here/", rank); }
std::string who(int rank) { return concat("who/", rank); }

}  // namespace

Life::Life(std::shared_ptr<Store> store, const Place& place) : store_(std::move(store)), place_(place) {
  store_->set(who(place_.rank), name_of_this_process());
  ring_ = Group::make(*store_, "life", place_, {});
  first_ = name_of(0);
  const int left = (place_.rank + place_.size - 1) % place_.size;
  const torch::Tensor word = torch::zeros({1});
  watcher_ = std::thread([this, left, word, receive = ring_->receive(word, left)] {
    try {
      receive();
    } catch (const std::exception& error) {
      end(left, error.what());
    }
  });
}

std::string Life::name_of(int rank) { return concat("rank ", rank, " (", store_->get(who(rank)), ")"); }

void Life::talk(const std::function<void()>& what) {
  try {
    what();
  } catch (const std::exception& error) {
    end(std::nullopt, error.what());
  }
}

void Life::leave() {
  ring_->send(torch::ones({1}), (place_.rank + 1) % place_.size);
  watcher_.join();
}

bool Life::abandon(std::string_view why) {
  if (ending_.exchange(true)) return true;
  const std::string told = concat(" ended: ", why.substr(0, why.find('\n')));
  auto first = std::async(std::launch::async, [&] {
    const std::string own = name_of(place_.rank) + told, there = store_->set_first(kLost, own);
    return there == own || !there.ends_with(told);
  });
  if (first.wait_for(kAnswer) != std::future_status::ready) ::_exit(static_cast<int>(base::ExitCode::environment));
  watcher_.detach();
  return first.get();
}

std::string Life::who_is_lost(std::optional<int> gone, const std::string& what) {
  if (gone) return store_->set_first(kLost, name_of(*gone) + " is gone");
  store_->set(here(place_.rank), "");
  for (auto waited = 0ms; waited < kReport; waited += 50ms) {
    if (store_->has(kLost)) return store_->get(kLost);
    std::this_thread::sleep_for(50ms);
  }
  std::vector<std::string> silent;
  for (int rank = 0; rank < place_.size; ++rank) {
    if (!store_->has(here(rank))) silent.push_back(name_of(rank));
  }
  if (silent.empty()) return store_->set_first(kLost, "the connection is lost: " + what);
  // A connection that is closed and a wait that was too long look alike from here.
  return store_->set_first(
      kLost, concat(base::join(silent, ", "), silent.size() == 1 ? " is gone, or has" : " are gone, or have",
                    " been silent for ", place_.patience.count() / 1000, " s"));
}

void Life::end(std::optional<int> gone, const std::string& what) {
  if (ending_.exchange(true)) {
    for (;;) ::pause();  // the other thread says it
  }
  std::string lost = first_ + " is gone, or silent";  // if the store does not answer
  std::promise<std::string> answer;
  auto answered = answer.get_future();
  std::thread([&] {
    try {
      answer.set_value(who_is_lost(gone, what));
    } catch (const std::exception&) {
      answer.set_value(lost);
    }
  }).detach();
  if (answered.wait_for(kAnswer) == std::future_status::ready) lost = answered.get();
  const std::string message =
      concat("error: ", lost, "; rank ", place_.rank, " of ", place_.size, " cannot go on without it\n",
             place_.rank == 0 ? "   hint: the same command continues from the last checkpoint\n" : "");
  std::cerr << message << std::flush;
  ::_exit(static_cast<int>(base::ExitCode::environment));
}

}  // namespace optdnn::world
