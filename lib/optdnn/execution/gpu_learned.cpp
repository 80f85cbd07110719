#include "optdnn/execution/gpu_learned.h"

#include <algorithm>

#include "optdnn/kernels/gpu/learned.h"
#include "optdnn/kernels/gpu_rows.h"

namespace optdnn::execution {

using kernels::Combinations;
using kernels::GpuRows;
using kernels::Launcher;
using kernels::LinearMap;
using torch::Tensor;
namespace gpu = kernels::gpu;

namespace {

bool few_enough(const Combinations& all) {
  size_t terms = 0;
  for (const kernels::Terms& made : all.made) terms += made.size();
  return all.made.size() <= gpu::kMostMade && terms <= gpu::kMostTerms;
}

std::string products_kernel(const GpuRows& rows, const LinearMap& map) {
  return rows.kernel("learned_products", gpu::room_for(static_cast<int>(map.outputs.size())));
}

gpu::LearnedTerms terms_of(const Combinations& all, float* matrix) {
  gpu::LearnedTerms terms{};
  terms.inputs = static_cast<short>(all.inputs);
  terms.made = static_cast<short>(all.made.size());
  terms.matrix = matrix;
  short count = 0;
  for (size_t m = 0; m < all.made.size(); ++m) {
    for (const auto& [value, weight, learned] : all.made[m])
      terms.terms[count++] = {static_cast<short>(value), static_cast<short>(learned), static_cast<float>(weight)};
    terms.begin[m + 1] = count;
  }
  return terms;
}

// P_io = sum x_i dy_o. Shapes: inputs x outputs that there is room for.
Tensor products(Launcher& launcher, const LearnedBackward& of, const std::vector<int>& outputs) {
  const GpuRows rows = GpuRows::flat(launcher, of.gradients[outputs.front()]);
  const int room = gpu::room_for(static_cast<int>(of.map.outputs.size()));
  kernels::Grid grid = rows.summing(1);
  grid.parts = of.map.combinations.inputs;
  grid.blocks = std::max(1, grid.blocks / grid.parts);
  grid.shared_floats = kernels::floats_to_add_up(room, grid.threads, 1);
  const auto floats = of.matrix.options();
  const Tensor sums = torch::empty({grid.parts, room}, floats);
  Tensor partial = torch::empty({grid.parts, grid.blocks, room}, floats);
  gpu::Products a{};
  for (size_t i = 0; i < of.inputs.size(); ++i)
    a.inputs[i] = of.inputs[i].defined() ? of.inputs[i].const_data_ptr() : nullptr;
  for (int o = 0; o < room; ++o)  // a gradient in the place of those that there are not
    a.gradients[o] = of.gradients[outputs[std::min<size_t>(o, outputs.size() - 1)]].const_data_ptr();
  a.sums = sums.mutable_data_ptr<float>();
  a.totals = {partial.mutable_data_ptr<float>(), launcher.counters(), 0, grid.blocks};
  a.vectors = rows.rows().rows;
  a.count = grid.parts;
  launcher.launch(products_kernel(rows, of.map), grid, a);
  return sums;
}

}  // namespace

bool gpu_learned_fits(Launcher& launcher, const LinearMap& map, at::TensorList learned, const Tensor& like) {
  return learned.size() <= gpu::kMostLearned && map.dots.size() <= gpu::kMostDots && few_enough(map.combinations) &&
         few_enough(map.transposed) &&
         std::all_of(learned.begin(), learned.end(),
                     [&](const Tensor& weight) {
                       return weight.dim() == 0 && weight.scalar_type() == torch::kFloat32 &&
                              weight.device() == like.device();
                     }) &&
         launcher.has("learned_matrices") && launcher.has("learned_gradients") &&
         launcher.has(products_kernel(GpuRows::flat(launcher, like), map));
}

std::vector<Tensor> gpu_matrices(Launcher& launcher, at::ArrayRef<const Combinations*> maps, at::TensorList learned) {
  gpu::LearnedMatrices a{};
  std::vector<Tensor> matrices;
  int threads = 1;
  for (size_t m = 0; m < maps.size(); ++m) {
    matrices.push_back(
        torch::empty({maps[m]->values(), maps[m]->inputs}, learned.front().options().requires_grad(false)));
    a.of[m] = terms_of(*maps[m], matrices[m].mutable_data_ptr<float>());
    threads = std::max(threads, maps[m]->inputs);
  }
  for (size_t l = 0; l < learned.size(); ++l) a.learned[l] = learned[l].const_data_ptr<float>();
  launcher.launch("learned_matrices", {static_cast<int>(maps.size()), 1, threads}, a);
  return matrices;
}

std::vector<Tensor> gpu_learned_gradients(Launcher& launcher, const LearnedBackward& of) {
  gpu::LearnedGradients a{};
  std::vector<int> outputs;  // that have a gradient
  for (size_t o = 0; o < of.gradients.size(); ++o) {
    a.column[o] = of.gradients[o].defined() ? static_cast<short>(outputs.size()) : -1;
    if (of.gradients[o].defined()) outputs.push_back(static_cast<int>(o));
  }
  const Tensor sums = products(launcher, of, outputs), found = torch::empty({std::ssize(of.learned)}, sums.options());
  a.values = of.values.const_data_ptr<float>();
  a.gradients = of.matrix.const_data_ptr<float>();
  a.products = sums.const_data_ptr<float>();
  a.inputs = static_cast<short>(of.map.combinations.inputs);
  a.outputs = static_cast<short>(of.gradients.size());
  a.columns = static_cast<short>(sums.size(1));
  a.learned = static_cast<short>(of.learned.size());
  for (const auto& [value, gradient, learned] : of.map.dots)
    a.dots[a.count++] = {static_cast<short>(value), static_cast<short>(gradient), static_cast<short>(learned)};
  a.found = found.mutable_data_ptr<float>();
  launcher.launch("learned_gradients", {1, 1, static_cast<int>(of.learned.size())}, a);
  return found.unbind();
}

}  // namespace optdnn::execution
