#include "optdnn/photos/damage.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "optdnn/base/errors.h"
#include "optdnn/photos/image_store.h"
#include "optdnn/photos/photo_reader.h"

namespace optdnn::photos {

Damage find_damage(const std::vector<std::filesystem::path>& places, int threads) {
  Damage damage;
  std::mutex mutex;
  for (const char* split : {"train", "val"}) {
    const ImageStore images(places, split);
    damage.images += images.size();
    for (std::string& line : images.left_out()) damage.left_out.push_back(std::move(line));
    std::atomic<int64_t> next = 0;
    std::exception_ptr failure;
    const auto look = [&] {
      for (int64_t i = next++; i < images.size(); i = next++) {
        try {
          const std::string bytes = images.bytes(i);
          PhotoReader(bytes, images.name(i)).whole();
        } catch (const base::EnvironmentError& error) {
          const std::lock_guard lock(mutex);
          damage.messages.push_back(error.what());
        }
      }
    };
    const auto work = [&] {
      try {
        look();
      } catch (...) {  // no memory, say
        const std::lock_guard lock(mutex);
        failure = std::current_exception();
      }
    };
    {
      std::vector<std::jthread> workers;
      for (int i = 1; i < threads; ++i) workers.emplace_back(work);
      work();
    }
    if (failure) std::rethrow_exception(failure);
  }
  std::sort(damage.messages.begin(), damage.messages.end());
  return damage;
}

}  // namespace optdnn::photos
