#include "optdnn/execution/gpu_linear.h"

#include <algorithm>

#include "optdnn/execution/gpu_learned.h"
#include "optdnn/execution/linear_combination.h"
#include "optdnn/execution/linear_function.h"
#include "optdnn/kernels/gpu/combine.h"
#include "optdnn/kernels/gpu_rows.h"
#include "optdnn/kernels/layout.h"
#include "optdnn/modules/gpu_batch_norm_relu.h"

namespace optdnn::execution {

namespace {

using kernels::GpuRows;
using kernels::Launcher;
using kernels::LinearMap;
using kernels::gpu::Combination;
using modules::BatchNorm;
using torch::Tensor;
namespace gpu = kernels::gpu;

constexpr int kMoments = 2;  // of a channel, and sums in the backward pass

GpuRows rows_of(Launcher& launcher, const Tensor& x, bool normed) {
  return normed ? GpuRows(launcher, x) : GpuRows::flat(launcher, x);
}

// A weight that the host knows, or where it stands in the matrix of learned ones.
struct Weight {
  std::optional<double> known;
  int at;
  bool is(double number) const { return known == number; }
  bool operator==(const Weight& other) const { return known == other.known && (known || at == other.at); }
};

// The weights of an input, or backwards of a gradient, in all that is made of it.
using Column = std::vector<Weight>;

// A launch: inputs with their columns, of which outputs [first, first + room) are made.
void set_inputs(Combination& a, const std::vector<const void*>& inputs, const std::vector<Column>& columns,
                size_t first) {
  a.count = static_cast<int>(inputs.size());
  std::copy(inputs.begin(), inputs.end(), a.inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (size_t o = first; o < std::min(columns[i].size(), first + Combination::kMostOutputs); ++o) {
      a.weights[i][o - first] = static_cast<float>(columns[i][o].known.value_or(0));
      a.at[i][o - first] = static_cast<short>(columns[i][o].at);
    }
  }
}

const float* numbers_or_null(const Tensor& matrix) {
  return matrix.defined() ? matrix.const_data_ptr<float>() : nullptr;
}

// Outputs of a backward launch: the gradients of inputs, and where weights are learned that of the normed output.
int outputs_backwards(const LinearMap& map, bool normed) {
  return static_cast<int>(std::ssize(map.gradients)) + (normed && !map.dots.empty() ? 1 : 0);
}

const void* memory_or_null(const Tensor& x) { return x.defined() ? x.const_data_ptr() : nullptr; }

class GpuLinear : public LinearFunction {
 public:
  using LinearFunction::LinearFunction;

  bool takes_undefined() const override { return true; }

  variable_list forward(at::TensorList tensors, variable_list& saved) override {
    const int64_t count = map_->combinations.inputs, norms = 2 * std::ssize(normed_);
    const at::TensorList inputs = tensors.slice(0, count),
                         learned = tensors.slice(count, std::ssize(tensors) - count - norms);
    gradients_lie_as(inputs[0]);
    Launcher& launcher = *kernels::launcher(inputs[0].device());
    const GpuRows rows = rows_of(launcher, inputs[0], !normed_.empty());
    const std::vector<int> order = normed_first();
    variable_list outputs(order.size());
    Tensor matrix;
    if (!learned.empty()) matrix = gpu_matrices(launcher, {&map_->combinations}, learned).front();
    Combination a{};
    a.norm.of = rows.rows();
    a.matrix = numbers_or_null(matrix);
    for (size_t o = 0; o < order.size(); ++o) {
      outputs[order[o]] = torch::empty_like(inputs[0]);
      a.outputs[o] = outputs[order[o]].data_ptr();
    }
    std::vector<const void*> given;
    std::vector<Column> columns;
    for (size_t i = 0; i < inputs.size(); ++i) {
      given.push_back(inputs[i].const_data_ptr());
      Column& column = columns.emplace_back();
      for (const int output : order)
        column.push_back({map_->matrix[output][i], static_cast<int>(map_->outputs[output] * count + i)});
    }
    set_inputs(a, given, columns, 0);
    saved = learned.vec();
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (map_->kept[i]) saved.push_back(inputs[i]);
    }
    const int room = gpu::room_for(static_cast<int>(order.size()));
    if (normed_.empty()) {
      launcher.launch(rows.kernel("combine", room), rows.mapping(), a);
      return outputs;
    }
    const BatchNorm& norm = normed_.front().norm;
    const Tensor& x = outputs[normed_.front().output];
    to_make_ = modules::gpu_norm_to_make(norm);
    Tensor partial;
    a.norm = modules::gpu_statistics_arguments(rows, x, *to_make_, norm);
    a.norm.totals = rows.totals(kMoments, partial);
    launcher.launch(rows.kernel("combine_statistics", room), rows.summing(kMoments), a);
    saved.insert(saved.end(), {x, norm.weight, norm.bias});
    outputs.push_back(x.variable_data());
    return outputs;
  }

  // Of the normed output, which is a stand-in.
  const c10::intrusive_ptr<modules::NormToMake>& to_make() const { return to_make_; }

  variable_list backward(const variable_list& packed, variable_list gradients) const override {
    as_inputs_lie(gradients);
    const Saved saved = unpack(packed);
    const size_t outputs = map_->outputs.size(), inputs = map_->combinations.inputs;
    const bool through = !normed_.empty() && gradients[outputs].defined();
    variable_list all(inputs + saved.learned.size() + 2 * normed_.size());
    std::vector<int> from;  // outputs whose gradients there are; first the one with what comes through its norm
    for (const int output : normed_first()) {
      if (gradients[output].defined() || (through && output == normed_.front().output)) from.push_back(output);
    }
    if (from.empty()) return all;

    Launcher& launcher = *kernels::launcher(gradients[through ? outputs : from.front()].device());
    const Tensor& like = through ? saved.norms[0].x : gradients[from.front()];
    const GpuRows rows = rows_of(launcher, like, !normed_.empty());
    variable_list matrices(2);
    if (!map_->dots.empty()) matrices = gpu_matrices(launcher, {&map_->again, &map_->transposed}, saved.learned);

    // One tensor for all inputs of equal weights; where it is a gradient that is there, this one.
    std::vector<Column> columns(from.size());
    std::vector<std::pair<Column, Tensor>> made;
    variable_list computed;
    const auto gradient_of = [&](Column weights) {
      const auto same = [&](const auto& other) { return other.first == weights; };
      if (const auto found = std::find_if(made.begin(), made.end(), same); found != made.end()) return found->second;
      Tensor gradient = there_already(weights, from, gradients, through);
      if (!gradient.defined() && has_weight(weights)) {
        gradient = computed.emplace_back(torch::empty_like(like));
        for (size_t j = 0; j < from.size(); ++j) columns[j].push_back(weights[j]);
      }
      return made.emplace_back(std::move(weights), gradient).second;
    };
    for (size_t i = 0; i < inputs; ++i) {
      Column weights;
      for (const int output : from)
        weights.push_back({map_->matrix[output][i], static_cast<int>(map_->gradients[i] * outputs) + output});
      all[i] = gradient_of(std::move(weights));
    }
    variable_list whole(gradients.begin(), gradients.begin() + outputs);  // with what comes through the norm
    if (through && !map_->dots.empty()) {
      const auto value = static_cast<size_t>(from.front());  // of the transposed map
      Column weights;
      for (const int output : from)
        weights.push_back({output == from.front() ? 1.0 : 0.0, static_cast<int>(value * outputs) + output});
      whole[value] = gradient_of(std::move(weights));
    }

    Combination a{};
    a.norm.of = rows.rows();
    a.matrix = numbers_or_null(matrices[1]);
    if (through) {
      const auto back = modules::gpu_norm_backward(launcher, rows, gradients[outputs], like, *to_make_);
      a.norm = back.arguments;
      const size_t of_norm = inputs + saved.learned.size();
      all[of_norm] = back.d_weight, all[of_norm + 1] = back.d_bias;
    }
    std::vector<const void*> given;
    for (const int output : from) given.push_back(memory_or_null(gradients[output]));
    const int room = gpu::room_for(outputs_backwards(*map_, !normed_.empty()));
    for (size_t first = 0; first < computed.size(); first += Combination::kMostOutputs) {
      const size_t count = std::min<size_t>(Combination::kMostOutputs, computed.size() - first);
      std::fill(std::begin(a.outputs), std::end(a.outputs), nullptr);
      for (size_t o = 0; o < count; ++o) a.outputs[o] = computed[first + o].data_ptr();
      set_inputs(a, given, columns, first);
      launcher.launch(rows.kernel(through ? "combine_backward" : "combine", room), rows.mapping(), a);
    }
    if (!map_->dots.empty()) {
      const auto found = gpu_learned_gradients(
          launcher, {*map_, saved.learned, saved.inputs, std::move(whole), matrices[0], matrices[1]});
      std::copy(found.begin(), found.end(), all.begin() + inputs);
    }
    return all;
  }

 private:
  std::vector<int> normed_first() const {
    std::vector<int> order(map_->outputs.size());
    for (size_t o = 0; o < order.size(); ++o) order[o] = static_cast<int>(o);
    if (!normed_.empty()) std::swap(order[0], order[normed_.front().output]);
    return order;
  }

  static bool has_weight(const Column& weights) {
    return !std::all_of(weights.begin(), weights.end(), [](const Weight& weight) { return weight.is(0); });
  }

  static Tensor there_already(const Column& weights, const std::vector<int>& from, const variable_list& gradients,
                              bool through) {
    const auto is_zero = [](const Weight& weight) { return weight.is(0); };
    if (std::count_if(weights.begin(), weights.end(), is_zero) + 1 != std::ssize(weights)) return {};
    const auto at = std::find_if_not(weights.begin(), weights.end(), is_zero) - weights.begin();
    return weights[at].is(1) && !(through && at == 0) ? gradients[from[at]] : Tensor();
  }

  c10::intrusive_ptr<modules::NormToMake> to_make_;
};

// The one that all will lie as. What modules make comes last; vectors of several runs may begin otherwise.
const Tensor& layout_of(const variable_list& inputs) {
  return inputs.front().dim() == 4 ? inputs.front() : inputs.back();
}

}  // namespace

bool gpu_linear_fits(const LinearMap& map, const variable_list& inputs, at::TensorList learned,
                     const std::vector<NormedOutput>& normed) {
  const Tensor& first = layout_of(inputs);
  if (first.device().is_cpu() || std::ssize(inputs) > Combination::kMostInputs ||
      std::ssize(map.outputs) > Combination::kMostOutputs || !GpuRows::is_flat(first))
    return false;
  for (const Tensor& x : inputs) {
    if (x.device() != first.device() || x.scalar_type() != first.scalar_type() || x.sizes() != first.sizes() ||
        (kernels::lies_as(x, first.strides()) ? !GpuRows::is_flat(x) : x.dim() == 4))
      return false;
  }
  for (const auto& [output, norm] : normed) {
    if (!modules::gpu_batch_norm_relu_fits(first, norm)) return false;
  }
  Launcher* launcher = kernels::launcher(first.device());
  if (!launcher) return false;
  const GpuRows rows = rows_of(*launcher, first, !normed.empty());
  const int forward = gpu::room_for(static_cast<int>(std::ssize(map.outputs))),
            backward = gpu::room_for(outputs_backwards(map, !normed.empty()));
  return (learned.empty() || gpu_learned_fits(*launcher, map, learned, first)) &&
         launcher->has(rows.kernel(normed.empty() ? "combine" : "combine_statistics", forward)) &&
         launcher->has(rows.kernel("combine", backward)) &&
         (normed.empty() || launcher->has(rows.kernel("combine_backward", backward)));
}

LinearOutputs gpu_linear(const std::shared_ptr<const LinearMap>& map, const variable_list& inputs,
                         at::TensorList learned, const std::vector<NormedOutput>& normed) {
  std::vector<NormedOutput> taken_along(normed.begin(), normed.begin() + (normed.empty() ? 0 : 1));
  variable_list tensors;
  for (const Tensor& x : inputs) tensors.push_back(kernels::laid_as(x, layout_of(inputs).strides()));
  tensors.insert(tensors.end(), learned.begin(), learned.end());
  for (const auto& [output, norm] : taken_along) tensors.insert(tensors.end(), {norm.weight, norm.bias});
  const auto node = c10::make_intrusive<GpuLinear>(map, taken_along);
  LinearOutputs outputs{kernels::apply(node, tensors), {}};
  if (!taken_along.empty()) outputs.normed.emplace_back(outputs.values.back(), node->to_make());
  outputs.values.resize(map->outputs.size());
  for (size_t i = taken_along.size(); i < normed.size(); ++i)
    outputs.normed.push_back(batch_norm_relu_to_make(outputs.values[normed[i].output], normed[i].norm));
  return outputs;
}

}  // namespace optdnn::execution
