#include "optdnn/execution/linear_node.h"

#include <ATen/autocast_mode.h>

#include <algorithm>

#include "optdnn/execution/gpu_linear.h"
#include "optdnn/execution/linear_combination.h"
#include "optdnn/execution/linear_function.h"
#include "optdnn/kernels/linear_run.h"

namespace optdnn::execution {

using kernels::Combinations;
using kernels::LinearBlock;
using kernels::LinearMap;
using kernels::LinearRun;
using kernels::run_linear;
using modules::BatchStatistics;
using torch::Tensor;
using torch::autograd::variable_list;

namespace {

bool fits(const variable_list& tensors, at::TensorList learned) {
  const Tensor& first = tensors.front();
  const auto type = first.scalar_type();
  return (type == torch::kFloat32 || type == torch::kFloat64) && !at::autocast::is_autocast_enabled(at::kCPU) &&
         first.is_non_overlapping_and_dense() &&
         std::all_of(learned.begin(), learned.end(), [](const Tensor& weight) { return weight.dim() == 0; }) &&
         std::all_of(tensors.begin(), tensors.end(), [&](const Tensor& x) {
           return x.device().is_cpu() && x.scalar_type() == type && x.sizes() == first.sizes() &&
                  x.strides() == first.strides();
         });
}

template <class Number>
std::vector<Number> numbers(at::TensorList scalars) {
  std::vector<Number> numbers;
  for (const Tensor& scalar : scalars) numbers.push_back(scalar.item<Number>());
  return numbers;
}

// A run whose inputs are these tensors; the wanted values that are not among them are made like another tensor.
template <class Number>
struct Prepared {
  Prepared(const Combinations& combinations, at::TensorList inputs, const std::vector<int>& wanted, const Tensor& like,
           int64_t block)
      : values(inputs.begin(), inputs.end()),
        run{combinations, std::vector<Number*>(combinations.values()), {}, {}, block} {
    values.resize(combinations.values());
    for (const int value : wanted) {
      if (!values[value].defined()) values[value] = torch::empty_like(like);
    }
    for (size_t v = 0; v < values.size(); ++v) {
      if (values[v].defined()) run.values[v] = static_cast<Number*>(values[v].data_ptr());
    }
  }
  variable_list values;
  LinearRun<Number> run;
};

int64_t channels(const Tensor& x) { return x.size(1); }

class NormedLinearMap : public LinearFunction {
 public:
  using LinearFunction::LinearFunction;

  variable_list forward(at::TensorList tensors, variable_list& saved) override {
    const int64_t norms = std::ssize(normed_), inputs_count = map_->combinations.inputs;
    const at::TensorList inputs = tensors.slice(0, inputs_count),
                         learned = tensors.slice(inputs_count, std::ssize(tensors) - inputs_count - 2 * norms);
    gradients_lie_as(inputs[0]);
    variable_list outputs =
        inputs[0].scalar_type() == torch::kFloat32 ? run<float>(inputs, learned) : run<double>(inputs, learned);
    saved.assign(learned.begin(), learned.end());
    for (int64_t i = 0; i < inputs_count; ++i) {
      if (map_->kept[i]) saved.push_back(inputs[i]);
    }
    for (int64_t i = 0; i < norms; ++i) {
      const auto& [output, norm] = normed_[i];
      saved.insert(saved.end(), {outputs[output], norm.weight, norm.bias});
      const modules::NormedRelu to_make = normalised_relu(outputs[output], norm.weight, norm.bias, statistics_[i]);
      outputs.push_back(to_make.x());
      to_make_.push_back(to_make.norm());
    }
    return outputs;
  }

  // Of the normed outputs, which are stand-ins.
  const std::vector<c10::intrusive_ptr<modules::NormToMake>>& to_make() const { return to_make_; }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    as_inputs_lie(gradients);
    const bool single = gradients[0].scalar_type() == torch::kFloat32;
    return single ? run_backward<float>(unpack(saved), gradients) : run_backward<double>(unpack(saved), gradients);
  }

 private:
  // So many numbers that all values of a block, and what the norms read, fit into the first-level cache.
  template <class Number>
  int64_t block_of(const Tensor& like) const {
    constexpr int64_t kCache = (24 << 10) / sizeof(Number), kFewest = 256, kMost = 1024;
    const int64_t values =
        std::ssize(map_->again.made) + std::max(map_->combinations.values(), map_->transposed.values());
    const int64_t block = std::clamp(kCache / (values + 2 * std::ssize(normed_)), kFewest, kMost);
    return normed_.empty() ? block - block % kFewest : kernels::whole_rows<Number>(channels(like), block);
  }

  // The outputs, and the statistics of those that are normed.
  template <class Number>
  variable_list run(at::TensorList inputs, at::TensorList learned) {
    const Tensor& like = inputs[0];
    Prepared<Number> prepared(map_->combinations, inputs, map_->outputs, like, block_of<Number>(like));
    LinearRun<Number>& run = prepared.run;
    const std::vector<Number> weights = numbers<Number>(learned);
    variable_list outputs = pick(prepared.values, map_->outputs);
    if (normed_.empty()) {
      run_linear(run, weights, like.numel());
      return outputs;
    }
    const int64_t C = channels(like), rows = like.numel() / C;
    run_linear(run, weights, C);  // the rows about which moments are taken
    std::vector<kernels::MomentSums<Number>> moments;
    for (const NormedOutput& normed : normed_) {
      moments.emplace_back(outputs[normed.output].template const_data_ptr<Number>(), C, run.pieces(like.numel()));
    }
    run.after = [&](const LinearBlock<Number>& block) {
      for (size_t i = 0; i < moments.size(); ++i) {
        moments[i].add(block.piece, block.values[map_->outputs[normed_[i].output]], block.count / C);
      }
    };
    run_linear(run, weights, like.numel());
    for (size_t i = 0; i < moments.size(); ++i) {
      statistics_.push_back(take_statistics(moments[i].moments(rows), normed_[i].norm, rows));
    }
    return outputs;
  }

  template <class Number>
  variable_list run_backward(const Saved& saved, const variable_list& gradients) const {
    const Tensor& like = gradients[0];
    const int64_t count = like.numel(), block_size = block_of<Number>(like);
    // A gradient to which a norm's is added is made in the pass.
    variable_list given(gradients.begin(), gradients.begin() + std::ssize(map_->outputs)), of_norms;
    struct Norm {
      int output;
      const Number *dy, *x, *more;
      kernels::ReluBackward<Number> backward;
    };
    std::vector<Norm> norms;
    for (size_t i = 0; i < normed_.size(); ++i) {
      const auto& [x, weight, bias] = saved.norms[i];
      const Tensor& dy = gradients[map_->outputs.size() + i];
      const auto back = batch_norm_relu_backward(dy, x, weight, bias, statistics_[i], to_make_[i].get());
      of_norms.insert(of_norms.end(), {back.d_weight, back.d_bias});
      const int output = normed_[i].output;
      const bool first = given[output].defined();
      norms.push_back({output,
                       dy.const_data_ptr<Number>(),
                       x.const_data_ptr<Number>(),
                       first ? gradients[output].const_data_ptr<Number>() : nullptr,
                       {back.map, back.slopes, channels(x)}});
      given[output] = Tensor();
    }
    Prepared<Number> back(map_->transposed, given, map_->gradients, like, block_size);
    if (!norms.empty()) {
      back.run.before = [&](const LinearBlock<Number>& block) {
        for (const Norm& norm : norms) {
          Number* dx = block.values[norm.output];
          norm.backward.apply(norm.dy + block.begin, norm.x + block.begin, norm.more ? norm.more + block.begin : dx, dx,
                              block.count / channels(like));
        }
      };
    }
    const std::vector<Number> weights = numbers<Number>(saved.learned);
    variable_list all = pick(back.values, map_->gradients);
    if (map_->dots.empty()) {
      run_linear(back.run, weights, count);
      all.resize(all.size() + weights.size());
    } else {
      const Prepared<Number> again(map_->again, saved.inputs, {}, like, block_size);
      const auto sums = run_linear(again.run, back.run, map_->dots, weights, count);
      for (const double sum : sums) all.push_back(torch::tensor(sum, like.options()));
    }
    all.insert(all.end(), of_norms.begin(), of_norms.end());
    return all;
  }

  std::vector<BatchStatistics> statistics_;  // of the normed outputs
  std::vector<c10::intrusive_ptr<modules::NormToMake>> to_make_;
};

}  // namespace

variable_list LinearOutputs::made() const {
  variable_list all = values;
  for (const modules::NormedRelu& to_make : normed) all.push_back(to_make.made());
  return all;
}

LinearOutputs apply_linear(const std::shared_ptr<const LinearMap>& map, const variable_list& inputs,
                           at::TensorList learned, const std::vector<NormedOutput>& normed) {
  if (gpu_linear_fits(*map, inputs, learned, normed)) return gpu_linear(map, inputs, learned, normed);
  const auto taken_along = [&](const NormedOutput& of) {
    return of.norm.training && batch_norm_relu_fits(inputs.front(), of.norm);  // statistics of this batch are wanted
  };
  const bool fit = fits(inputs, learned);
  if (fit && std::all_of(normed.begin(), normed.end(), taken_along)) {
    variable_list tensors = inputs;
    tensors.insert(tensors.end(), learned.begin(), learned.end());
    for (const auto& [output, norm] : normed) tensors.insert(tensors.end(), {norm.weight, norm.bias});
    const auto node = c10::make_intrusive<NormedLinearMap>(map, normed);
    LinearOutputs outputs{kernels::apply(node, tensors), {}};
    const auto values = std::ssize(map->outputs);
    for (size_t i = 0; i < normed.size(); ++i) {
      outputs.normed.emplace_back(outputs.values[values + i], node->to_make()[i]);
    }
    outputs.values.resize(values);
    return outputs;
  }
  LinearOutputs outputs = fit ? apply_linear(map, inputs, learned)
                              : LinearOutputs{pick(by_operators(map->combinations, inputs, learned), map->outputs), {}};
  for (const auto& [output, norm] : normed) {
    outputs.normed.push_back(batch_norm_relu_to_make(outputs.values[output], norm));
  }
  return outputs;
}

}  // namespace optdnn::execution
