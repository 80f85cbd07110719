// Philox against its authors' known answers, and the properties streams promise.
#include "optdnn/base/random.h"

#include <rapidcheck.h>

#include <cmath>
#include <numeric>
#include <set>

#include "support/catch.h"

using namespace optdnn::base;

TEST_CASE("philox gives the known answers of Random123") {
  using Block = std::array<uint32_t, 4>;
  REQUIRE(philox({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  REQUIRE(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  REQUIRE(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is a function of seed, purpose, epoch and sample, and of nothing else") {
  const auto first = [](uint64_t seed, const char* purpose, uint64_t epoch, uint64_t sample) {
    return RandomStream(seed, purpose, epoch, sample).next();
  };
  REQUIRE(first(1, "crop", 2, 3) == first(1, "crop", 2, 3));
  std::set<uint32_t> different = {first(1, "crop", 2, 3), first(2, "crop", 2, 3), first(1, "flip", 2, 3),
                                  first(1, "crop", 3, 3), first(1, "crop", 2, 4), first(1, "crop", 3, 2)};
  REQUIRE(different.size() == 6);
}

TEST_CASE("uniform and normal draws have the moments they should") {
  RandomStream stream(7, "moments");
  const int n = 200'000;
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0, normal_fourth = 0;
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform(), z = stream.normal();
    REQUIRE((u >= 0 && u < 1));
    sum += u, squares += u * u, normal_sum += z, normal_squares += z * z, normal_fourth += z * z * z * z;
  }
  const double tolerance = 5.0 / std::sqrt(n);
  REQUIRE(std::abs(sum / n - 0.5) < tolerance);
  REQUIRE(std::abs(squares / n - 1.0 / 3) < tolerance);
  REQUIRE(std::abs(normal_sum / n) < tolerance);
  REQUIRE(std::abs(normal_squares / n - 1) < 2 * tolerance);
  REQUIRE(std::abs(normal_fourth / n - 3) < 10 * tolerance);
}

TEST_CASE("below a bound every number comes up equally often") {
  RandomStream stream(8, "below");
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[stream.below(7)];
  for (const int count : counts) REQUIRE(std::abs(count - 10'000) < 500);
}

TEST_CASE("a permutation holds every index once and depends on its stream") {
  REQUIRE(rc::check([](uint64_t seed) {
    const auto size = *rc::gen::inRange<int64_t>(0, 200);
    auto order = permutation(size, RandomStream(seed, "order"));
    RC_ASSERT(order == permutation(size, RandomStream(seed, "order")));
    std::sort(order.begin(), order.end());
    std::vector<int64_t> identity(size);
    std::iota(identity.begin(), identity.end(), 0);
    RC_ASSERT(order == identity);
  }));
  REQUIRE(permutation(100, RandomStream(1, "order", 0)) != permutation(100, RandomStream(1, "order", 1)));
}
