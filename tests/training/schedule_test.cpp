// Schedules at chosen iterations, and what holds for all of them.
#include "optdnn/training/schedule.h"

#include <cmath>

#include "support/catch.h"

namespace optdnn::training {
namespace {

constexpr Length kLength{100, 10};

std::vector<double> factors(const ScheduleSpec& schedule, const std::vector<int64_t>& iterations) {
  std::vector<double> values;
  for (const int64_t i : iterations) values.push_back(schedule_factor(schedule, i, kLength));
  return values;
}

void require_close(const std::vector<double>& values, const std::vector<double>& expected) {
  REQUIRE(values.size() == expected.size());
  for (size_t i = 0; i < values.size(); ++i) REQUIRE(values[i] == Approx(expected[i]).epsilon(1e-12).margin(1e-15));
}

}  // namespace

TEST_CASE("durations are counted in iterations") {
  REQUIRE(Duration{2.5, {}, {}}.in(kLength) == 25);
  REQUIRE(Duration{{}, 7, {}}.in(kLength) == 7);
  REQUIRE(Duration{{}, {}, 0.333}.in(kLength) == 33);
}

TEST_CASE("constant is one") { require_close(factors(ConstantSchedule{}, {0, 50, 99}), {1, 1, 1}); }

TEST_CASE("step multiplies at its milestones") {
  StepSchedule schedule;
  schedule.milestones = {{{}, {}, 0.5}, {7.5, {}, {}}};
  require_close(factors(schedule, {0, 49, 50, 74, 75, 99}), {1, 1, 0.1, 0.1, 0.01, 0.01});
  schedule.factor = std::vector<double>{0.5, 0.1};
  require_close(factors(schedule, {49, 50, 75}), {1, 0.5, 0.05});
}

TEST_CASE("cosine falls from one to its final factor") {
  CosineSchedule schedule;
  require_close(factors(schedule, {0, 25, 50, 75, 100}),
                {1, (1 + std::sqrt(0.5)) / 2, 0.5, (1 - std::sqrt(0.5)) / 2, 0});
  schedule.final = 0.2;
  require_close(factors(schedule, {0, 50, 100}), {1, 0.6, 0.2});
}

TEST_CASE("warm-up rises in equal steps, and the cosine takes what is left") {
  CosineSchedule schedule;
  schedule.warmup = Duration{2, {}, {}};
  require_close(factors(schedule, {0, 9, 19, 20, 60, 100}), {0.05, 0.5, 1, 1, 0.5, 0});
  ConstantSchedule constant;
  constant.warmup = Duration{{}, 4, {}};
  require_close(factors(constant, {0, 1, 2, 3, 4}), {0.25, 0.5, 0.75, 1, 1});
  constant.warmup = Duration{{}, {}, 1};
  require_close(factors(constant, {0, 99}), {0.01, 1});
}

TEST_CASE("one cycle begins at start, is one at its peak and ends at final") {
  OneCycleSchedule schedule;
  schedule.start = 0.2;
  schedule.final = 0.1;
  require_close(factors(schedule, {0, 15, 30, 65, 100}), {0.2, 0.6, 1, 0.55, 0.1});
  schedule.peak = 0;
  require_close(factors(schedule, {0, 50, 100}), {1, 0.55, 0.1});
  schedule.peak = 1;
  require_close(factors(schedule, {0, 50, 99}), {0.2, 0.6, schedule_factor(schedule, 99, kLength)});
}

TEST_CASE("every schedule stays between zero and one") {
  config::for_each_alternative<ScheduleSpec>([](auto schedule) {
    for (int64_t i = 0; i < kLength.iterations; ++i) {
      const double factor = schedule_factor(schedule, i, kLength);
      REQUIRE(factor >= 0);
      REQUIRE(factor <= 1);
    }
  });
}

}  // namespace optdnn::training
