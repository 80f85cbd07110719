// Learning-rate schedules: pure functions from the iteration to a factor of `learning_rate`.
//   constant  1
//   step      factor^(milestones passed)
//   cosine    final + (1 - final) (1 + cos(pi t)) / 2,  t from 0 after warm-up to 1 at the end
//   one_cycle the same half wave from `start` up to 1 at `peak` of the run, and from there down to `final`
// Warm-up is linear: (i + 1) / warm-up in iteration i.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "optdnn/training/duration.h"

namespace optdnn::training {

struct WarmupFields {
  std::optional<Duration> warmup;
  template <class Fields>
  void fields(Fields& f) {
    f("warmup", warmup, "linear rise from 0 at the beginning");
  }
};

struct ConstantSchedule : WarmupFields {
  static constexpr std::string_view kName = "constant";
  static constexpr std::string_view kHelp = "the learning rate as it is";
};

struct StepSchedule : WarmupFields {
  static constexpr std::string_view kName = "step";
  static constexpr std::string_view kHelp = "multiplied by a factor at each milestone";
  std::vector<Duration> milestones;
  config::OneOrMany<double> factor{0.1};

  template <class Fields>
  void fields(Fields& f) {
    f.required("milestones", milestones, config::not_empty(), "when: [{fraction: 0.5}, {epochs: 150}]");
    f("factor", factor, config::above(0), "multiplies the learning rate; a list has one per milestone");
    WarmupFields::fields(f);
  }
  void check(config::Checker& c) const;
};

struct CosineSchedule : WarmupFields {
  static constexpr std::string_view kName = "cosine";
  static constexpr std::string_view kHelp = "half a cosine wave from 1 down to `final`";
  double final = 0.0;

  template <class Fields>
  void fields(Fields& f) {
    f("final", final, config::between(0, 1), "factor at the end of training");
    WarmupFields::fields(f);
  }
};

struct OneCycleSchedule {
  static constexpr std::string_view kName = "one_cycle";
  static constexpr std::string_view kHelp = "up from `start` to 1 and down to `final`, both half a cosine wave";
  double start = 0.04;
  double peak = 0.3;
  double final = 0.000004;

  template <class Fields>
  void fields(Fields& f) {
    f("start", start, config::between(0, 1), "factor at the beginning");
    f("peak", peak, config::between(0, 1), "where the factor is 1, as a fraction of the training");
    f("final", final, config::between(0, 1), "factor at the end");
  }
};

using ScheduleSpec = std::variant<ConstantSchedule, StepSchedule, CosineSchedule, OneCycleSchedule>;

// Iterations of warm-up; more than the training has means that the full learning rate is never reached.
int64_t warmup_iterations(const ScheduleSpec& schedule, const Length& length);

// The factor in iteration 0 ... length.iterations - 1.
double schedule_factor(const ScheduleSpec& schedule, int64_t iteration, const Length& length);

}  // namespace optdnn::training
