#include "optdnn/models/count.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace optdnn::models {

using modules::count_affine;
using modules::count_convolution;
using modules::count_norm;
using modules::ending;
using modules::NormKind;

namespace {

Count kept(int64_t numbers) { return {0, 0, numbers}; }

PartCount stem(const ConvStem& spec, const NetworkShape& shape, int64_t width) {
  const Extent at = modules::convolved({shape.input[1], shape.input[2]}, spec.kernel_px, spec.stride);
  return {ending(count_convolution(shape.input[0], width, spec.kernel_px, at)), at};
}
PartCount stem(const LinearStem&, const NetworkShape& shape, int64_t width) {
  return {ending(count_affine(shape.input[0], width)), {}};
}
PartCount stem(const IdentityStem&, const NetworkShape& shape, int64_t) {
  return {{}, shape.is_image() ? Extent{shape.input[1], shape.input[2]} : Extent{}};
}
PartCount stem(const ZeroPadStem&, const NetworkShape&, int64_t) { return {{}, {}}; }
PartCount stem(const PatchifyStem& spec, const NetworkShape& shape, int64_t width) {
  const Extent at{shape.input[1] / spec.patch_px, shape.input[2] / spec.patch_px};
  const Count patches = count_convolution(shape.input[0], width, spec.patch_px, at, /*with_bias=*/true);
  if (!spec.norm) return {ending(patches), at};
  return {patches + ending(count_norm(NormKind::layer, width, at.positions())), at};
}
PartCount stem(const ClassTokenStem& spec, const NetworkShape& shape, int64_t width) {
  const Extent patches{shape.input[1] / spec.patch_px, shape.input[2] / spec.patch_px};
  const int64_t tokens = 1 + patches.positions();
  Count count = ending(count_convolution(shape.input[0], width, spec.patch_px, patches, /*with_bias=*/true));
  count.parameters += width + tokens * width;  // the class token, and the positions
  return {count, {tokens, 1}};
}

// A map of a state keeps that state.
PartCount transition(const PadTransition&, int64_t, int64_t, const Extent& at, bool image) {
  return {{}, image ? modules::convolved(at, 1, 2) : at};
}
PartCount transition(const ConvTransition&, int64_t before, int64_t after, const Extent& at, bool image) {
  if (!image) return {ending(count_affine(before, after, 1, /*with_bias=*/false)) + kept(before), at};
  const Extent down = modules::convolved(at, 1, 2);
  return {ending(count_convolution(before, after, 1, down)) + kept(before * at.positions()), down};
}
PartCount transition(const DenseTransition&, int64_t before, int64_t after, const Extent& at, bool image) {
  if (!image) return {ending(count_affine(before, after, 1, /*with_bias=*/false)) + kept(before), at};
  const Count norm = count_norm(NormKind::batch, before, at.positions());
  return {kept(before * at.positions()) + norm + count_convolution(before, after, 1, at),
          {at.height / 2, at.width / 2}};
}
PartCount transition(const NormConvTransition&, int64_t before, int64_t after, const Extent& at, bool) {
  const Extent down{at.height / 2, at.width / 2};
  const Count norm = count_norm(NormKind::layer, before, at.positions());
  return {kept(before * at.positions()) + norm + ending(count_convolution(before, after, 2, down, /*with_bias=*/true)),
          down};
}

Count head(const PoolLinearHead& spec, int64_t outputs, int64_t width, const Extent& at) {
  Count count = kept(width + outputs) + ending(count_affine(width, outputs));
  if (spec.norm == NormKind::none) return count;
  return count + kept(width * at.positions()) +
         modules::count_activated_norm(spec.norm, spec.activation, width, at.positions());
}
Count head(const LinearHead&, int64_t outputs, int64_t width, const Extent&) {
  return kept(width) + count_affine(width, outputs);
}
Count head(const ReadStateHead&, int64_t outputs, int64_t, const Extent&) { return kept(outputs); }
Count head(const PoolNormLinearHead&, int64_t outputs, int64_t width, const Extent&) {
  return kept(width) + count_norm(NormKind::layer, width, 1) + count_affine(width, outputs);
}
Count head(const ClassTokenHead&, int64_t outputs, int64_t width, const Extent&) {
  return kept(width) + count_norm(NormKind::layer, width, 1) + count_affine(width, outputs);
}

// Evaluations whose graph is kept, of one solve.
int64_t kept_of(const solvers::SolverFields& solver) {
  if (const auto* phantom = std::get_if<solvers::PhantomGradient>(&solver.gradient)) return phantom->steps;
  return std::holds_alternative<solvers::UnrolledGradient>(solver.gradient) ? solver.steps + 1 : 1;
}

}  // namespace

PartCount count_stem(const std::optional<StemSpec>& spec, const NetworkShape& shape, int64_t width) {
  return std::visit([&](const auto& chosen) { return stem(chosen, shape, width); },
                    spec.value_or(default_stem(shape, width)));
}

PartCount count_transition(const TransitionSpec& spec, int64_t before, int64_t after, const Extent& at, bool image) {
  return std::visit([&](const auto& chosen) { return transition(chosen, before, after, at, image); }, spec);
}

Count count_head(const std::optional<HeadSpec>& spec, const NetworkShape& shape, int64_t width, const Extent& at) {
  return std::visit([&](const auto& chosen) { return head(chosen, shape.outputs, width, at); },
                    spec.value_or(default_head(shape)));
}

Count solved(const Count& map, const solvers::SolverSpec& solver) {
  const solvers::SolverFields& fields = solvers::common(solver);
  return {map.parameters, (fields.steps + 1) * map.multiply_adds, kept_of(fields) * map.kept};
}

std::vector<StageUse> count_uses(const algorithms::Rule& rule, const OptNetSpec& spec) {
  const auto outputs = hands_on_iterates(spec.transition) ? execution::Outputs::every : execution::Outputs::last;
  const std::vector<int> depth(spec.depth.begin(), spec.depth.end());
  const solvers::SolverFields& solver = solvers::common(spec.solver);
  const auto* dense = std::get_if<DenseTransition>(&spec.transition);
  const bool share = dense && dense->compression.share;
  std::vector<StageUse> uses;
  for (const auto& program : stage_programs(rule, depth, state_across(spec.transition), outputs)) {
    StageUse& use = uses.emplace_back();
    use.families.resize(rule.families().size());
    use.on_input.resize(rule.families().size());
    const auto reads_input = share ? reads_input_width(program, rule) : std::vector<bool>(program.modules.size());
    const auto use_of = [&](int module) -> FamilyUse& {
      return (reads_input[module] ? use.on_input : use.families)[program.modules[module].family];
    };
    std::set<std::tuple<int, int, int>> sets;
    for (size_t i = 0; i < program.modules.size(); ++i) {
      const execution::ModuleUse& module = program.modules[i];
      const bool shared = modules::module_sharing(spec.modules[module.family]) == modules::Sharing::shared;
      const bool first = sets.insert({module.family, shared ? 0 : module.step, std::max(0, module.fresh)}).second;
      use_of(static_cast<int>(i)).sets += first ? 1 : 0;
    }
    for (const execution::Operation& operation : program.operations) {
      if (const auto* call = std::get_if<execution::Call>(&operation.what)) {
        FamilyUse& family = use_of(call->module);
        ++family.passes;
        ++family.kept;
      } else if (const auto* solve = std::get_if<execution::Solve>(&operation.what)) {
        for (const execution::Unknown& unknown : solve->unknowns) {
          FamilyUse& family = use_of(unknown.module);
          family.passes += solver.steps + 1;
          family.kept += kept_of(solver);
        }
      }
    }
    use.coefficients = static_cast<int64_t>(program.leaves().size());
  }
  return uses;
}

Count count_opt_net(const std::vector<StageUse>& uses, const OptNetSpec& spec, const NetworkShape& shape) {
  const bool image = shape.is_image();
  const auto channels = stage_channels(spec);
  auto [count, at] = count_stem(spec.stem, shape, channels.front().input);
  for (size_t i = 0; i < uses.size(); ++i) {
    const int64_t width = spec.width[i];
    if (i > 0) {
      const PartCount down = count_transition(spec.transition, channels[i - 1].handed_on, channels[i].input, at, image);
      count += down.count;
      at = down.at;
    }
    const auto add = [&](const std::vector<FamilyUse>& families, int64_t inputs) {
      for (size_t family = 0; family < families.size(); ++family) {
        const FamilyUse& use = families[family];
        const Count one = modules::count_module(spec.modules[family], width, at, inputs);
        const int64_t argument = inputs * at.positions();
        count += {use.sets * one.parameters, use.passes * one.multiply_adds,
                  use.kept * (argument + (spec.recompute ? 0 : one.kept))};
      }
    };
    add(uses[i].families, width);
    add(uses[i].on_input, channels[i].input);
    count.parameters += uses[i].coefficients;
  }
  return count + count_head(spec.head, shape, channels.back().handed_on, at);
}

}  // namespace optdnn::models
