#include "optdnn/training/schedule.h"

#include <cmath>
#include <numbers>

#include "optdnn/base/text.h"
#include "optdnn/config/reader.h"

namespace optdnn::training {

void StepSchedule::check(config::Checker& c) const {
  if (factor.is_list && factor.size() != milestones.size()) {
    c.error("factor", base::concat(factor.size(), " factors for ", milestones.size(), " milestones"),
            "give one number, or one per milestone");
  }
}

namespace {

// From `begin` at t = 0 to `end` at t = 1.
double half_wave(double begin, double end, double t) {
  return end + (begin - end) * (1 + std::cos(std::numbers::pi * t)) / 2;
}

struct FactorAt {
  int64_t iteration;
  int64_t warmup;
  const Length& length;

  double operator()(const ConstantSchedule&) const { return 1.0; }
  double operator()(const StepSchedule& s) const {
    double factor = 1;
    for (size_t i = 0; i < s.milestones.size(); ++i) {
      if (iteration >= s.milestones[i].in(length)) factor *= s.factor.at(i);
    }
    return factor;
  }
  double operator()(const CosineSchedule& s) const {
    return half_wave(1, s.final,
                     static_cast<double>(iteration - warmup) / static_cast<double>(length.iterations - warmup));
  }
  double operator()(const OneCycleSchedule& s) const {
    const double t = static_cast<double>(iteration) / static_cast<double>(length.iterations);
    return t < s.peak ? half_wave(s.start, 1, t / s.peak) : half_wave(1, s.final, (t - s.peak) / (1 - s.peak));
  }
};

const std::optional<Duration>* warmup_of(const WarmupFields& s) { return &s.warmup; }
const std::optional<Duration>* warmup_of(const OneCycleSchedule&) { return nullptr; }

}  // namespace

int64_t warmup_iterations(const ScheduleSpec& schedule, const Length& length) {
  const auto* given = std::visit([](const auto& s) { return warmup_of(s); }, schedule);
  return given && *given ? (*given)->in(length) : 0;
}

double schedule_factor(const ScheduleSpec& schedule, int64_t iteration, const Length& length) {
  const int64_t warmup = warmup_iterations(schedule, length);
  if (iteration < warmup) return static_cast<double>(iteration + 1) / static_cast<double>(warmup);
  return std::visit(FactorAt{iteration, warmup, length}, schedule);
}

}  // namespace optdnn::training
