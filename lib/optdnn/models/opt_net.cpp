#include "optdnn/models/opt_net.h"

#include <algorithm>
#include <numeric>

#include "optdnn/algorithms/call_groups.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/models/image_sizes.h"
#include "optdnn/models/patch_ends.h"

namespace optdnn::models {

using base::concat;
using base::ConfigError;

namespace {

// Why a module cannot be solved for, or nothing.
std::string unsolvable(const modules::ModuleSpec& spec) {
  const modules::Traits traits = modules::module_traits(spec);
  if (traits.couples_samples) return "whose batch norm would couple the samples";
  return traits.draws_at_random ? "which drop_path makes another one at every evaluation" : "";
}

void check_step(const algorithms::Rule& rule, int k, const std::vector<modules::ModuleSpec>& modules) {
  const algorithms::Tableau step = rule.step(k);
  for (const auto& call : step.calls) {
    if (call.fresh < 0 || modules::module_sharing(modules[call.family]) != modules::Sharing::shared) continue;
    throw ConfigError(concat("rule '", rule.name(), "' has a fresh module ", rule.families()[call.family],
                             "[k,j] for each pair, it cannot be shared"),
                      "sharing: per_step");
  }
  for (const auto& group : algorithms::call_groups(step)) {
    for (const int call : group.calls) {
      const int family = step.calls[call].family;
      const std::string why = group.implicit ? unsolvable(modules[family]) : "";
      if (why.empty()) continue;
      throw ConfigError(
          concat("rule '", rule.name(), "' solves for the result of ", rule.families()[family], ", ", why),
          "module implicit_conv, or norm: group, and no drop_path");
    }
  }
}

}  // namespace

int longest_run(const std::vector<int64_t>& depths, StateAcross across) {
  return static_cast<int>(across == StateAcross::carry ? std::accumulate(depths.begin(), depths.end(), int64_t{0})
                                                       : *std::max_element(depths.begin(), depths.end()));
}

void check_rule(const algorithms::Rule& rule, const std::vector<modules::ModuleSpec>& modules, int steps) {
  if (rule.start().empty()) {
    throw ConfigError(concat("rule '", rule.name(), "' starts every state at zero, so the input never enters"),
                      "leave a state out of start, or start it at a number other than 0");
  }
  algorithms::check_depth(rule, steps);
  for (int k = 0; k < (rule.is_constant() ? 1 : steps); ++k) check_step(rule, k, modules);
}

namespace {

// Images whose channels meet in products alone: the penalty of a solve is a mean over channels. In the DenseNet setting
// all iterates have to have one width.
bool can_be_padded(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape) {
  if (!shape.is_image() || !rule.is_explicit() || spec.recompute) return false;
  const auto* dense = std::get_if<DenseTransition>(&spec.transition);
  const StemSpec stem = spec.stem.value_or(default_stem(shape, spec.width.front()));
  const HeadSpec head = spec.head.value_or(default_head(shape));
  const auto* pool = std::get_if<PoolLinearHead>(&head);
  return (dense ? !dense->compression.share : std::holds_alternative<ConvTransition>(spec.transition)) &&
         std::holds_alternative<ConvStem>(stem) && pool && modules::is_by_channel(pool->norm) &&
         std::all_of(spec.modules.begin(), spec.modules.end(),
                     [](const auto& module) { return modules::module_traits(module).takes_padding; });
}

void run_check(std::string_view, const std::function<void()>& check) { check(); }

// All but the stem and the head, which are made to see whether they can be.
void check_parts(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape, const RunCheck& run) {
  const bool image = shape.is_image();
  const size_t stages = spec.width.size();
  run("algorithm", [&] { check_rule(rule, spec.modules, longest_run(spec.depth, state_across(spec.transition))); });
  run("width", [&] {
    if (spec.depth.size() != stages)
      throw ConfigError(concat("depth has ", spec.depth.size(), " stages, width has ", stages));
  });
  for (const int64_t channels : spec.width) {
    for (const modules::ModuleSpec& module : spec.modules)
      run("modules", [&] { modules::check_module(module, channels, image); });
  }
  if (const auto* dense = std::get_if<DenseTransition>(&spec.transition)) {
    for (const int64_t depth : spec.depth)
      run("transition", [&] { check_compression(dense->compression, rule, static_cast<int>(depth)); });
  }
  for (size_t i = 1; i < stages; ++i)
    run("transition", [&] { check_transition(spec.transition, spec.width[i - 1], spec.width[i], image); });
  run("transition", [&] { check_transition_sizes(spec.stem, spec.transition, stages, shape); });
  run("stem", [&] { check_tokens(rule, spec.stem, spec.modules, stages, spec.head); });
}

}  // namespace

void check_opt_net(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape,
                   const RunCheck& run) {
  check_parts(rule, spec, shape, run);
  if (spec.depth.size() != spec.width.size()) return;
  const auto channels = stage_channels(spec);
  run("stem", [&] { make_stem(spec.stem, shape, channels.front().input); });
  run("head", [&] { make_head(spec.head, shape, channels.back().handed_on, channels.back().parts); });
}

void check_opt_net(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape) {
  check_opt_net(rule, spec, shape, run_check);
}

OptNetImpl::OptNetImpl(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape)
    : rule_(rule), depth_(spec.depth.begin(), spec.depth.end()) {
  check_parts(rule, spec, shape, run_check);
  across_ = state_across(spec.transition);
  dense_ = hands_on_iterates(spec.transition);
  takes_padding_ = can_be_padded(rule, spec, shape);
  const bool image = shape.is_image();
  const int total = std::accumulate(depth_.begin(), depth_.end(), 0);
  auto programs = stage_programs(rule_, depth_, across_, dense_ ? execution::Outputs::every : execution::Outputs::last);
  const auto channels = stage_channels(spec);

  stem_ = register_module("stem", make_stem(spec.stem, shape, channels.front().input));
  modules::Steps among{0, total};
  for (size_t i = 0; i < depth_.size(); ++i) {
    if (i > 0) {
      transitions_.push_back(
          register_module(concat("transition_", i), make_transition(spec.transition, channels[i - 1].handed_on,
                                                                    channels[i].input, image, channels[i - 1].parts)));
    }
    const auto first = across_ == StateAcross::carry ? static_cast<int>(among.first) : 0;
    stages_.push_back(register_module(
        concat("stage_", i), std::make_shared<Stage>(rule, std::move(programs[i]), first, depth_[i], spec.modules,
                                                     Stage::Widths{channels[i].input, spec.width[i]}, image,
                                                     spec.init_scale, spec.solver, among, spec.recompute)));
    among.first += depth_[i];
  }
  head_ = register_module("head", make_head(spec.head, shape, channels.back().handed_on, channels.back().parts));
}

std::vector<StageChannels> stage_channels(const OptNetSpec& spec) {
  const auto* dense = std::get_if<DenseTransition>(&spec.transition);
  const Compression* compression = dense && dense->compression.share ? &dense->compression : nullptr;
  std::vector<StageChannels> stages;
  for (size_t i = 0; i < spec.width.size(); ++i) {
    const int64_t width = spec.width[i];
    const int64_t input = !compression ? width
                          : i == 0     ? kFirstDenseWidth
                                       : kept_channels(*compression->share, stages.back().handed_on);
    stages.push_back(
        {input, dense ? input + spec.depth[i] * width : width, dense && !compression ? spec.depth[i] + 1 : 1});
  }
  return stages;
}

std::vector<execution::Program> stage_programs(const algorithms::Rule& rule, const std::vector<int>& depth,
                                               StateAcross across, execution::Outputs outputs) {
  if (across == StateAcross::carry) return execution::make_programs(rule, depth, outputs);
  std::vector<execution::Program> programs;
  for (const int steps : depth) programs.push_back(execution::make_programs(rule, {steps}, outputs).front());
  return programs;
}

torch::Tensor OptNetImpl::forward(const torch::Tensor& inputs) {
  return head_->forward(run(inputs, [this](size_t i, auto given) { return stages_[i]->run(std::move(given)); }));
}

std::vector<torch::Tensor> OptNetImpl::path(const torch::Tensor& inputs) {
  std::vector<torch::Tensor> path;
  for (const auto& of_stage : stage_paths(inputs)) path.insert(path.end(), of_stage.begin(), of_stage.end());
  return path;
}

namespace {

// The rule's output before the first step, of an input of one.
double output_at_start(const algorithms::Rule& rule) {
  const auto values = [&](const algorithms::Leaf& leaf) { return rule.initial_value(leaf); };
  const int states = rule.step(0).A.columns;
  return algorithms::evaluate(rule.output(0), states, values).dot(algorithms::evaluate(rule.start(), states, values));
}

}  // namespace

std::vector<std::vector<torch::Tensor>> OptNetImpl::stage_paths(const torch::Tensor& inputs) {
  const auto programs =
      stage_programs(rule_, depth_, across_, dense_ ? execution::Outputs::every : execution::Outputs::free);
  std::vector<std::vector<torch::Tensor>> paths(stages_.size());
  const double first = output_at_start(rule_);
  run(inputs, [&](size_t i, auto given) {
    if (i == 0) paths[i].push_back(given.front() * first);
    auto outputs = stages_[i]->run(programs[i], std::move(given));
    const auto handed_on = outputs.begin() + programs[i].iterates;
    paths[i].insert(paths[i].end(), outputs.begin(), handed_on);
    if (across_ == StateAcross::carry && i + 1 < stages_.size()) outputs.erase(outputs.begin(), handed_on);
    return outputs;
  });
  return paths;
}

torch::Tensor OptNetImpl::run(const torch::Tensor& inputs, const RunStage& run) {
  std::vector<torch::Tensor> given = {stem_->forward(inputs)};
  for (size_t i = 0;; ++i) {
    std::vector<torch::Tensor> iterates;  // of a stage, its input first
    if (dense_) iterates = given;
    auto outputs = run(i, std::move(given));
    const bool last = i + 1 == stages_.size();
    if (dense_) {
      iterates.insert(iterates.end(), outputs.begin(), outputs.end());
      outputs = {torch::cat(iterates, inputs.dim() == 4 ? 1 : -1)};
    } else if (across_ == StateAcross::restart || last) {
      outputs = {outputs.back()};
    }
    if (last) return outputs.front();
    given.clear();
    for (const torch::Tensor& handed_on : outputs) given.push_back(transitions_[i]->forward(handed_on));
  }
}

void OptNetImpl::force_executor(std::string_view name) {
  for (const auto& stage : stages_) stage->execution().force(name);
}

}  // namespace optdnn::models
