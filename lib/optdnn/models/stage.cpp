#include "optdnn/models/stage.h"

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/models/recompute.h"
#include "optdnn/solvers/packing.h"

namespace optdnn::models {

using base::concat;
using torch::Tensor;

Stage::Stage(const algorithms::Rule& rule, std::shared_ptr<const Plan> plan, int first, int count,
             const std::vector<modules::ModuleSpec>& modules, int64_t width, bool image, double init_scale,
             const solvers::SolverSpec& solver, modules::Steps among, bool recompute)
    : plan_(std::move(plan)),
      first_(first),
      count_(count),
      recompute_(recompute),
      coefficients_(rule, plan_leaves(*plan_, first, count)) {
  for (const auto& spec : modules) shared_.push_back(modules::module_sharing(spec) == modules::Sharing::shared);
  for (int k = 0; k < count; ++k) {
    for (const PlannedCall& call : plan_->steps[first + k].calls) {
      if (!call.live) continue;
      const bool shared = shared_[call.family];
      const std::string& family = rule.families()[call.family];
      auto& module = modules_[{call.family, shared ? 0 : k, std::max(0, call.fresh)}];
      if (module) continue;
      module = modules::make_module(modules[call.family], width, shared ? count : 1, image, among);
      torch::NoGradGuard no_grad;
      if (init_scale != 1.0) {
        for (Tensor weight : module->last_layer()) weight.mul_(init_scale);
      }
      const std::string step = call.fresh < 0 ? concat(k) : concat(k, "_", call.fresh);
      if (shared) {
        register_module(family, module);
      } else {
        steps_of(family).register_module(step, module);
      }
    }
  }
  register_module("coefficients", coefficients_);
  if (!rule.is_explicit()) {
    solver_ = register_module("solver", solvers::FixedPoint(solver));
    return;
  }
  fused_stage_ = FusedStage::make(*plan_, first, count);
  if (image || recompute) return;
  vector_stage_ =
      VectorStage::make(*plan_, first, count, [this](const PlannedCall& call, int k) { return module_of(call, k); });
}

// Parameters are named as in stage_0.T.3.conv1.weight; with shared modules stage_0.T.conv1.weight.
torch::nn::Module& Stage::steps_of(const std::string& family) {
  const auto children = named_children();
  if (const auto* found = children.find(family)) return **found;
  return *register_module(family, std::make_shared<torch::nn::Module>(family));
}

const std::shared_ptr<modules::Module>& Stage::module_of(const PlannedCall& call, int k) const {
  return modules_.at({call.family, shared_[call.family] ? 0 : k, std::max(0, call.fresh)});
}

std::vector<WeightedTensor> Stage::weighted(const Combination& terms, const State& state,
                                            const StepResults& step) const {
  std::vector<WeightedTensor> weighted;
  weighted.reserve(terms.size());
  for (const PlannedTerm& term : terms) {
    const auto& tensors = term.source == PlannedTerm::Source::state    ? state
                          : term.source == PlannedTerm::Source::result ? step.results
                                                                       : step.arguments;
    WeightedTensor& added = weighted.emplace_back(WeightedTensor{tensors[term.index], 1.0, {}});
    if (term.weight.is_constant()) {
      added.weight = term.weight.constant();
    } else {
      added.learned =
          term.weight.evaluate<Tensor>([&](const algorithms::Leaf& leaf) { return coefficients_->value(leaf); });
    }
  }
  return weighted;
}

Tensor Stage::combine(const Combination& terms, const State& state, const StepResults& step) const {
  return linear_combination(weighted(terms, state, step));
}

State Stage::start(const Tensor& input) const {
  State state;
  for (const double weight : plan_->start) {
    state.push_back(weight == 0.0 ? Tensor() : weight == 1.0 ? input : input * weight);
  }
  return state;
}

namespace {

Tensor zeros_like(const State& state) {
  const auto found = std::find_if(state.begin(), state.end(), [](const auto& block) { return block.defined(); });
  return torch::zeros_like(*found);
}

}  // namespace

Tensor Stage::evaluate(const PlannedCall& call, int k, const Tensor& argument) const {
  const auto& module = module_of(call, k);
  const auto run = [module, k](const std::vector<Tensor>& at) { return module->forward(at.front(), k); };
  return recompute_ ? recomputed(module, run, {argument}) : run({argument});
}

void Stage::solve(const PlannedStep& planned, const std::vector<int>& group, int k, const State& state,
                  StepResults& step, Tensor& unknowns) {
  // y = constant + coupling u, u = T(y): what the solve leaves as it is, is computed once.
  struct Unknown {
    std::vector<WeightedTensor> terms;  // the coupling's first, in its order, then the constant
    modules::Function T;
  };
  const solvers::Packing packing(std::vector<Tensor>(group.size(), zeros_like(state)));
  const std::vector<Tensor> zero = packing.unpack(packing.zeros());
  std::vector<Unknown> parts;
  for (const int i : group) {
    const PlannedCall& call = planned.calls[i];
    Unknown& part = parts.emplace_back();
    part.terms = weighted(call.coupling, state, {{}, zero});
    if (!call.argument.empty()) part.terms.push_back({combine(call.argument, state, step), 1.0, {}});
    part.T = module_of(call, k)->at_step(k);
  }
  const solvers::Map F = [&](const Tensor& rows) {
    const auto results = packing.unpack(rows);
    std::vector<Tensor> next;
    for (size_t i = 0; i < group.size(); ++i) {
      const Combination& coupling = planned.calls[group[i]].coupling;
      std::vector<WeightedTensor> terms = parts[i].terms;
      for (size_t j = 0; j < coupling.size(); ++j) terms[j].tensor = results[coupling[j].index];
      next.push_back(parts[i].T(linear_combination(terms)));
    }
    return packing.pack(next);
  };
  const Tensor zeros = packing.zeros();
  const bool warm =
      solvers::common(solver_->spec()).warm_start && unknowns.defined() && unknowns.sizes() == zeros.sizes();
  const auto found = packing.unpack(solver_->solve(F, warm ? unknowns : zeros, &unknowns, packing.runs()));
  for (size_t i = 0; i < group.size(); ++i) step.results[group[i]] = found[i];
}

State Stage::run(State state, std::vector<Tensor>* path) {
  coefficients_->refresh();
  const auto value_of = [this](const algorithms::Leaf& leaf) { return coefficients_->value(leaf); };
  if (vector_stage_ && !path && vector_stage_->fits(state)) return vector_stage_->run(state, value_of);
  if (fused_stage_ && !path && fused_stage_->fits(state)) {
    const FusedStage::Modules modules = {
        [this](const PlannedCall& call, int k) {  // the way back of a recomputed module begins at its argument
          return recompute_ ? std::nullopt : module_of(call, k)->first_norm(k);
        },
        [this](const PlannedCall& call, int k, const Tensor& x) { return evaluate(call, k, x); },
        [this](const PlannedCall& call, int k, const Tensor& x) { return module_of(call, k)->after_first_norm(x, k); }};
    return fused_stage_->run(state, modules, value_of);
  }
  std::vector<Tensor> unknowns;  // of each group the latest solution
  for (int k = 0; k < count_; ++k) {
    const PlannedStep& planned = plan_->steps[first_ + k];
    StepResults step{State(planned.calls.size()), State(planned.calls.size())};
    unknowns.resize(planned.order.size());
    for (size_t i = 0; i < planned.order.size(); ++i) {
      const algorithms::CallGroup& group = planned.order[i];
      if (group.implicit) {
        solve(planned, group.calls, k, state, step, unknowns[i]);
      } else {
        const int i_call = group.calls.front();
        const PlannedCall& call = planned.calls[i_call];
        step.arguments[i_call] = call.argument.empty() ? zeros_like(state) : combine(call.argument, state, step);
        step.results[i_call] = evaluate(call, k, step.arguments[i_call]);
      }
    }
    State next;
    for (const Combination& terms : planned.next) {
      next.push_back(terms.empty() ? Tensor() : combine(terms, state, step));
    }
    state = std::move(next);
    const Combination& output = plan_->outputs[first_ + k];
    if (path && !output.empty()) path->push_back(combine(output, state, {}));
  }
  return state;
}

Tensor Stage::output(const State& state) const { return combine(plan_->outputs.back(), state, {}); }

}  // namespace optdnn::models
