#include "optdnn/models/opt_net.h"

#include <numeric>

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
  if (modules::couples_samples(spec)) return "whose batch norm would couple the samples";
  const bool random = std::visit(
      [](const auto& chosen) {
        if constexpr (requires { chosen.drop_path; }) return chosen.drop_path > 0;
        return false;
      },
      spec);
  return random ? "which drop_path makes another one at every evaluation" : "";
}

}  // namespace

void check_rule(const algorithms::Rule& rule, const std::vector<modules::ModuleSpec>& modules) {
  if (rule.start().empty()) {
    throw ConfigError(concat("rule '", rule.name(), "' starts every state at zero, so the input never enters"),
                      "leave a state out of start, or start it at a number other than 0");
  }
  const algorithms::Tableau step = rule.step(1);
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

OptNetImpl::OptNetImpl(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape) {
  check_rule(rule, spec.modules);
  if (spec.depth.size() != spec.width.size()) {
    throw ConfigError(concat("depth has ", spec.depth.size(), " stages, width has ", spec.width.size()));
  }
  check_tokens(spec.stem, spec.modules, spec.depth.size(), spec.head);
  check_transition_sizes(spec.stem, spec.transition, spec.depth.size(), shape);
  across_ = std::visit([](const auto& transition) { return transition.state; }, spec.transition);
  dense_ = hands_on_iterates(spec.transition);
  const bool image = shape.is_image();
  const int total = static_cast<int>(std::accumulate(spec.depth.begin(), spec.depth.end(), int64_t{0}));
  const bool carry = across_ == StateAcross::carry;
  const auto whole = carry ? std::make_shared<const Plan>(make_plan(rule, total)) : nullptr;
  const auto width_after = [&](size_t i) { return dense_ ? (spec.depth[i] + 1) * spec.width[i] : spec.width[i]; };

  stem_ = register_module("stem", make_stem(spec.stem, shape, spec.width.front()));
  int first = 0;
  modules::Steps among{0, total};
  for (size_t i = 0; i < spec.depth.size(); ++i) {
    const int depth = static_cast<int>(spec.depth[i]);
    if (i > 0) {
      transitions_.push_back(register_module(
          concat("transition_", i), make_transition(spec.transition, width_after(i - 1), spec.width[i], image)));
    }
    const auto plan = carry ? whole : std::make_shared<const Plan>(make_plan(rule, depth, dense_));
    stages_.push_back(register_module(
        concat("stage_", i), std::make_shared<Stage>(rule, plan, first, depth, spec.modules, spec.width[i], image,
                                                     spec.init_scale, spec.solver, among, spec.recompute)));
    if (carry) first += depth;
    among.first += depth;
  }
  head_ = register_module("head", make_head(spec.head, shape, width_after(spec.width.size() - 1)));
}

torch::Tensor OptNetImpl::forward(const torch::Tensor& inputs) { return head_->forward(run(inputs, nullptr)); }

std::vector<torch::Tensor> OptNetImpl::path(const torch::Tensor& inputs) {
  std::vector<torch::Tensor> path;
  run(inputs, &path);
  return path;
}

torch::Tensor OptNetImpl::run(const torch::Tensor& inputs, std::vector<torch::Tensor>* path) {
  std::vector<torch::Tensor> iterates = {stem_->forward(inputs)};  // of a stage, its input first
  State state = stages_.front()->start(iterates.front());
  const auto handed_on = [&](size_t i) {
    return dense_ ? torch::cat(iterates, inputs.dim() == 4 ? 1 : -1) : stages_[i]->output(state);
  };
  for (size_t i = 0; i < stages_.size(); ++i) {
    if (i > 0 && across_ == StateAcross::carry) {
      for (torch::Tensor& block : state) {
        if (block.defined()) block = transitions_[i - 1]->forward(block);
      }
    } else if (i > 0) {
      iterates = {transitions_[i - 1]->forward(handed_on(i - 1))};
      state = stages_[i]->start(iterates.front());
    }
    const auto known = static_cast<ptrdiff_t>(i > 0 ? iterates.size() : 0);
    state = stages_[i]->run(std::move(state), dense_ || path ? &iterates : nullptr);
    if (path) path->insert(path->end(), iterates.begin() + known, iterates.end());
  }
  return handed_on(stages_.size() - 1);
}

}  // namespace optdnn::models
