#include "optdnn/models/linear_node.h"

#include <ATen/autocast_mode.h>

#include <algorithm>

#include "optdnn/models/stage_tape.h"

namespace optdnn::models {

using kernels::LinearBlock;
using kernels::LinearRun;
using kernels::run_linear;
using modules::BatchStatistics;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// All values of a tape by LibTorch's operators.
variable_list plain(const Tape& tape, const variable_list& inputs, at::TensorList learned) {
  variable_list values = inputs;
  for (const TapeOperation& operation : tape.operations) values.push_back(combine(operation.terms, values, learned));
  return values;
}

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

// What a node does, and what its way back has to know besides tensors.
struct LinearJob : torch::CustomClassHolder {
  LinearJob(std::shared_ptr<const LinearMap> of, std::vector<NormedOutput> with)
      : map(std::move(of)), normed(std::move(with)) {}
  std::shared_ptr<const LinearMap> map;
  std::vector<NormedOutput> normed;
  std::vector<BatchStatistics> statistics;  // of the normed outputs
  std::vector<int64_t> strides;
};

template <class Number>
std::vector<Number> numbers(at::TensorList scalars) {
  std::vector<Number> numbers;
  for (const Tensor& scalar : scalars) numbers.push_back(scalar.item<Number>());
  return numbers;
}

// A run whose inputs are these tensors; the wanted values that are not among them are made like another tensor.
template <class Number>
struct Prepared {
  Prepared(const Tape& tape, at::TensorList inputs, const std::vector<int>& wanted, const Tensor& like, int64_t block)
      : values(inputs.begin(), inputs.end()), run{tape, std::vector<Number*>(tape.values()), {}, {}, block} {
    values.resize(tape.values());
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

// So many numbers that all values of a block, and what the norms read, fit into the first-level cache.
template <class Number>
int64_t block_of(const LinearJob& job, const Tensor& like) {
  constexpr int64_t kCache = (24 << 10) / sizeof(Number), kFewest = 256, kMost = 1024;
  const LinearMap& map = *job.map;
  const int64_t values = map.again.operations.size() + std::max(map.tape.values(), map.back.values());
  const int64_t block = std::clamp(kCache / (values + 2 * std::ssize(job.normed)), kFewest, kMost);
  return job.normed.empty() ? block - block % kFewest : kernels::whole_rows<Number>(channels(like), block);
}

// The outputs, and the statistics of those that are normed.
template <class Number>
variable_list run(LinearJob& job, at::TensorList inputs, at::TensorList learned) {
  const LinearMap& map = *job.map;
  const Tensor& like = inputs[0];
  Prepared<Number> prepared(map.tape, inputs, map.outputs, like, block_of<Number>(job, like));
  LinearRun<Number>& run = prepared.run;
  const std::vector<Number> weights = numbers<Number>(learned);
  variable_list outputs = pick(prepared.values, map.outputs);
  if (job.normed.empty()) {
    run_linear(run, weights, like.numel());
    return outputs;
  }
  const int64_t C = channels(like), rows = like.numel() / C;
  run_linear(run, weights, C);  // the rows about which moments are taken
  std::vector<kernels::MomentSums<Number>> moments;
  for (const NormedOutput& normed : job.normed) {
    moments.emplace_back(outputs[normed.output].template const_data_ptr<Number>(), C, run.pieces(like.numel()));
  }
  run.after = [&](const LinearBlock<Number>& block) {
    for (size_t i = 0; i < moments.size(); ++i) {
      moments[i].add(block.piece, block.values[map.outputs[job.normed[i].output]], block.count / C);
    }
  };
  run_linear(run, weights, like.numel());
  for (size_t i = 0; i < moments.size(); ++i) {
    job.statistics.push_back(take_statistics(moments[i].moments(rows), job.normed[i].norm, rows));
  }
  return outputs;
}

// What a node has for its way back.
struct Saved {
  variable_list inputs;  // those that are kept
  variable_list learned;
  struct Norm {
    Tensor x, weight, bias;
  };
  std::vector<Norm> norms;
};

// The gradients of the inputs and of the learned weights.
variable_list plain_back(const LinearMap& map, const Saved& saved, const variable_list& gradients) {
  const variable_list values = plain(map.again, saved.inputs, saved.learned);
  const variable_list found = plain(map.back, gradients, saved.learned);
  variable_list all = pick(found, map.gradients), sums(saved.learned.size());
  for (const TapeDot& dot : map.dots) {
    const Tensor product = (values[dot.a] * found[dot.b]).sum();
    sums[dot.learned] = sums[dot.learned].defined() ? sums[dot.learned] + product : product;
  }
  all.insert(all.end(), sums.begin(), sums.end());
  return all;
}

// The same, after those of the outputs have got what comes through their norms; then those of the norms' weights.
variable_list plain_back(const LinearJob& job, const Saved& saved, variable_list gradients) {
  variable_list of_norms;
  for (size_t i = 0; i < job.normed.size(); ++i) {
    const auto& [x, weight, bias] = saved.norms[i];
    const auto found = modules::batch_norm_relu_gradients(gradients[job.map->outputs.size() + i], x, weight, bias,
                                                          job.statistics[i].epsilon);
    Tensor& gradient = gradients[job.normed[i].output];
    gradient = gradient + found[0];
    of_norms.insert(of_norms.end(), found.begin() + 1, found.end());
  }
  gradients.resize(job.map->outputs.size());
  variable_list all = plain_back(*job.map, saved, gradients);
  all.insert(all.end(), of_norms.begin(), of_norms.end());
  return all;
}

template <class Number>
variable_list run_back(const LinearJob& job, const Saved& saved, const variable_list& gradients) {
  const LinearMap& map = *job.map;
  const Tensor& like = gradients[0];
  const int64_t count = like.numel(), block_size = block_of<Number>(job, like);
  // A gradient that the way through a norm adds to is made in the pass.
  variable_list given(gradients.begin(), gradients.begin() + std::ssize(map.outputs)), of_norms;
  struct Norm {
    int output;
    const Number *dy, *x, *more;
    kernels::ReluBackward<Number> backward;
  };
  std::vector<Norm> norms;
  for (size_t i = 0; i < job.normed.size(); ++i) {
    const auto& [x, weight, bias] = saved.norms[i];
    const Tensor& dy = gradients[map.outputs.size() + i];
    const auto back = batch_norm_relu_backward(dy, x, weight, bias, job.statistics[i]);
    of_norms.insert(of_norms.end(), {back.d_weight, back.d_bias});
    const int output = job.normed[i].output;
    const bool first = given[output].defined();
    norms.push_back({output,
                     dy.const_data_ptr<Number>(),
                     x.const_data_ptr<Number>(),
                     first ? gradients[output].const_data_ptr<Number>() : nullptr,
                     {back.map, back.slopes, channels(x)}});
    given[output] = Tensor();
  }
  Prepared<Number> back(map.back, given, map.gradients, like, block_size);
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
  variable_list all = pick(back.values, map.gradients);
  if (map.dots.empty()) {
    run_linear(back.run, weights, count);
    all.resize(all.size() + weights.size());
  } else {
    const Prepared<Number> again(map.again, saved.inputs, {}, like, block_size);
    const auto sums = run_linear(again.run, back.run, map.dots, weights, count);
    for (const double sum : sums) all.push_back(torch::tensor(sum, like.options()));
  }
  all.insert(all.end(), of_norms.begin(), of_norms.end());
  return all;
}

// Of the inputs, the learned weights, and the norms' weights and biases.
struct LinearNode : torch::autograd::Function<LinearNode> {
  static variable_list forward(AutogradContext* context, const c10::intrusive_ptr<LinearJob>& job, at::TensorList tensors) {
    const LinearMap& map = *job->map;
    const int64_t norms = std::ssize(job->normed), inputs_count = map.tape.inputs;
    const at::TensorList inputs = tensors.slice(0, inputs_count),
                         learned = tensors.slice(inputs_count, std::ssize(tensors) - inputs_count - 2 * norms);
    job->strides = inputs[0].strides().vec();
    variable_list outputs = inputs[0].scalar_type() == torch::kFloat32 ? run<float>(*job, inputs, learned)
                                                                       : run<double>(*job, inputs, learned);
    variable_list kept(learned.begin(), learned.end());
    for (int i = 0; i < map.tape.inputs; ++i) {
      if (map.kept[i]) kept.push_back(inputs[i]);
    }
    for (int64_t i = 0; i < norms; ++i) {
      const auto& [output, norm] = job->normed[i];
      kept.insert(kept.end(), {outputs[output], norm.weight, norm.bias});
      outputs.push_back(normalised_relu(outputs[output], norm.weight, norm.bias, job->statistics[i]));
    }
    context->save_for_backward(kept);
    context->saved_data["job"] = torch::IValue::make_capsule(job);
    return outputs;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto job = c10::static_intrusive_pointer_cast<LinearJob>(context->saved_data["job"].toCapsule());
    const Saved saved = unpack(*job, context->get_saved_variables());
    for (Tensor& gradient : gradients) {
      if (gradient.strides() != at::IntArrayRef(job->strides)) {
        gradient = torch::empty_strided(gradient.sizes(), job->strides, gradient.options()).copy_(gradient);
      }
    }
    variable_list all(1);  // of the job
    const auto found = [&] {
      if (torch::GradMode::is_enabled()) return plain_back(*job, saved, gradients);  // to be differentiated itself
      const bool single = gradients[0].scalar_type() == torch::kFloat32;
      return single ? run_back<float>(*job, saved, gradients) : run_back<double>(*job, saved, gradients);
    }();
    all.insert(all.end(), found.begin(), found.end());
    return all;
  }

  static Saved unpack(const LinearJob& job, const variable_list& kept) {
    const LinearMap& map = *job.map;
    const auto norms = 3 * std::ssize(job.normed), inputs = std::count(map.kept.begin(), map.kept.end(), true);
    auto next = kept.end() - norms - inputs;
    Saved saved{variable_list(map.tape.inputs), variable_list(kept.begin(), next), {}};
    for (int i = 0; i < map.tape.inputs; ++i) {
      if (map.kept[i]) saved.inputs[i] = *next++;
    }
    for (; next != kept.end(); next += 3) saved.norms.push_back({next[0], next[1], next[2]});
    return saved;
  }
};

}  // namespace

variable_list apply(const std::shared_ptr<const LinearMap>& map, const variable_list& inputs, at::TensorList learned,
                    const std::vector<NormedOutput>& normed) {
  const auto taken_along = [&](const NormedOutput& of) {
    return of.norm.training && batch_norm_relu_fits(inputs.front(), of.norm);  // statistics of this batch are wanted
  };
  const bool fit = fits(inputs, learned);
  if (fit && std::all_of(normed.begin(), normed.end(), taken_along)) {
    variable_list tensors = inputs;
    tensors.insert(tensors.end(), learned.begin(), learned.end());
    for (const auto& [output, norm] : normed) tensors.insert(tensors.end(), {norm.weight, norm.bias});
    return LinearNode::apply(c10::make_intrusive<LinearJob>(map, normed), at::TensorList(tensors));
  }
  variable_list outputs = fit ? apply(map, inputs, learned) : pick(plain(map->tape, inputs, learned), map->outputs);
  for (const auto& [output, norm] : normed) outputs.push_back(batch_norm_relu(outputs[output], norm));
  return outputs;
}

}  // namespace optdnn::models
