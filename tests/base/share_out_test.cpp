// Parts shared out: each is done once, by however many threads.
#include "optdnn/base/share_out.h"

#include <atomic>
#include <vector>

#include "support/catch.h"

using namespace optdnn::base;

TEST_CASE("every part is done once, whatever the number of threads and parts") {
  for (const int threads : {1, 2, 5, 3, 1}) {
    set_sharing_threads(threads);
    REQUIRE(sharing_threads() == threads);
    for (const int64_t parts : {0, 1, 2, 3, 64, 1000}) {
      std::vector<std::atomic<int>> done(parts);
      for (int again = 0; again < 20; ++again) share_out(parts, [&](int64_t part) { ++done[part]; });
      for (const auto& count : done) REQUIRE(count == 20);
    }
  }
}
