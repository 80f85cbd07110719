// The keys of the YAML, and the mistakes that span several of them.
#include "optdnn/config/dump.h"
#include "optdnn/config/read.h"
#include "optdnn/config/reader.h"
#include "optdnn/training/optimizer_spec.h"
#include "optdnn/training/schedule.h"
#include "optdnn/training/train_spec.h"
#include "support/catch.h"

namespace optdnn::training {
namespace {

template <class Spec>
Spec read(const std::string& text, base::Diagnostics& diagnostics) {
  const auto source = std::make_shared<base::SourceText>(base::SourceText{"config.yaml", text});
  return config::read<Spec>(config::read_yaml(source, diagnostics), diagnostics, "spec");
}

template <class Spec>
Spec read_sound(const std::string& text) {
  base::Diagnostics diagnostics;
  const Spec spec = read<Spec>(text, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(diagnostics.all().empty());
  return spec;
}

template <class Spec>
std::string mistake(const std::string& text) {
  base::Diagnostics diagnostics;
  read<Spec>(text, diagnostics);
  return diagnostics.render();
}

}  // namespace

TEST_CASE("optimizers, schedules and lengths are read as the configs write them") {
  const auto sgd = std::get<SgdSpec>(read_sound<OptimizerSpec>(
      "{name: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 1.0e-4}"));
  REQUIRE(sgd.momentum == 0.9);
  REQUIRE(sgd.nesterov);
  const auto adamw = std::get<AdamwSpec>(
      read_sound<OptimizerSpec>("{name: adamw, learning_rate: 4.0e-3, betas: [0.9, 0.95], decay_on: weights}"));
  REQUIRE(adamw.weight_decay == 0.01);
  REQUIRE(adamw.betas[1] == 0.95);
  REQUIRE(adamw.decay_on == DecayOn::weights);
  const auto cosine = std::get<CosineSchedule>(read_sound<ScheduleSpec>("{name: cosine, warmup: {epochs: 5}}"));
  REQUIRE(*cosine.warmup->epochs == 5);
  const auto step = std::get<StepSchedule>(
      read_sound<ScheduleSpec>("{name: step, milestones: [{fraction: 0.5}, {epochs: 75}], factor: [0.5, 0.1]}"));
  REQUIRE(step.milestones.size() == 2);
  const auto spec = read_sound<TrainSpec>(
      "{length: {epochs: 200}, precision: bfloat16, ema: {decay: 0.9999}, gradient_clip: 1, log_every: {iterations: "
      "10}}");
  const Length length = length_of(spec, 391);
  REQUIRE(length.iterations == 78200);
  REQUIRE(spec.log_iterations(length) == 10);
  REQUIRE(spec.save_iterations(length) == 391);
  REQUIRE(EvaluateSpec{}.every_iterations(length) == 391);
}

TEST_CASE("batches that do not fill the last iteration of an epoch still make one") {
  TrainSpec spec;
  spec.length.epochs = 2;
  spec.accumulate = 4;
  REQUIRE(length_of(spec, 9).iterations_per_epoch == 3);
  REQUIRE(length_of(spec, 9).iterations == 6);
}

TEST_CASE("every optimizer and schedule dumps and reads back") {
  const auto round_trip = [](const auto& variant) {
    using Variant = std::decay_t<decltype(variant)>;
    const std::string text = config::to_yaml(config::dump(variant));
    REQUIRE(config::to_yaml(config::dump(read_sound<Variant>(text))) == text);
  };
  config::for_each_alternative<OptimizerSpec>([&](auto spec) { round_trip(OptimizerSpec(spec)); });
  config::for_each_alternative<ScheduleSpec>([&](auto spec) {
    if constexpr (requires { spec.milestones; }) spec.milestones = {Duration{{}, {}, 0.5}};
    round_trip(ScheduleSpec(spec));
  });
}

TEST_CASE("durations and values that cannot be are refused with their place") {
  const auto says = [](const std::string& text, const std::string& part) {
    INFO(text);
    REQUIRE(text.starts_with("config.yaml:"));
    REQUIRE(text.find(part) != std::string::npos);
  };
  says(mistake<TrainSpec>("{length: {}}"), "a duration without a length");
  says(mistake<TrainSpec>("{length: {epochs: 1, iterations: 5}}"), "a duration with more than one length");
  says(mistake<TrainSpec>("{length: {fraction: 0.5}}"), "cannot be a fraction");
  says(mistake<TrainSpec>("{length: {epochs: 0}}"), "a training of no epochs");
  says(mistake<TrainSpec>("{precision: float32}"), "length");
  says(mistake<TrainSpec>("{length: {epochs: 1}, precision: half}"), "half");
  says(mistake<OptimizerSpec>("{name: sgd, nesterov: true}"), "nesterov needs a momentum above 0");
  says(mistake<OptimizerSpec>("{name: sgd, momentum: 1}"), "momentum");
  says(mistake<OptimizerSpec>("{name: adamw, betas: [0.9, 1]}"), "betas");
  says(mistake<ScheduleSpec>("{name: step, milestones: []}"), "milestones");
  says(mistake<ScheduleSpec>("{name: step, milestones: [{epochs: 1}], factor: [0.1, 0.2]}"),
       "2 factors for 1 milestones");
}

}  // namespace optdnn::training
