#include "optdnn/models/linear_map.h"

#include <ATen/autocast_mode.h>

#include <algorithm>

#include "optdnn/models/stage_tape.h"

namespace optdnn::models {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// The operations that `wanted` follow from; `wanted` gets their new numbers.
Tape pruned(const Tape& tape, const std::vector<int*>& wanted) {
  std::vector<bool> needed(tape.values());
  for (const int* value : wanted) needed[*value] = true;
  for (int v = tape.values(); v-- > tape.inputs;) {
    if (!needed[v]) continue;
    for (const TapeTerm& term : tape.operations[v - tape.inputs].terms) needed[term.value] = true;
  }
  Tape left{tape.inputs, {}};
  std::vector<int> number(tape.values(), -1);
  for (int v = 0; v < tape.values(); ++v) {
    if (v < tape.inputs) {
      number[v] = v;
    } else if (needed[v]) {
      auto terms = tape.operations[v - tape.inputs].terms;
      for (TapeTerm& term : terms) term.value = number[term.value];
      left.operations.push_back({-1, 0, std::move(terms)});
      number[v] = left.values() - 1;
    }
  }
  for (int* value : wanted) *value = number[*value];
  return left;
}

}  // namespace

LinearMap::LinearMap(Tape of, std::vector<int> kept_values) : tape(std::move(of)), outputs(std::move(kept_values)) {
  // The gradient of a value: that of the output it is, and those of the values it is a term of.
  std::vector<std::vector<TapeTerm>> terms(tape.values());
  for (size_t i = 0; i < outputs.size(); ++i) terms[outputs[i]].push_back({static_cast<int>(i), 1.0});
  back.inputs = static_cast<int>(outputs.size());
  std::vector<int> gradient(tape.values());
  for (int v = tape.values(); v-- > 0;) {
    gradient[v] = back.add(terms[v]);
    if (v < tape.inputs) continue;
    for (const TapeTerm& term : tape.operations[v - tape.inputs].terms) {
      terms[term.value].push_back({gradient[v], term.weight, term.learned});
      if (term.learned >= 0) dots.push_back({term.value, gradient[v], term.learned});
    }
  }
  gradients.assign(gradient.begin(), gradient.begin() + tape.inputs);

  std::vector<int*> wanted;
  for (TapeDot& dot : dots) wanted.push_back(&dot.a);
  again = pruned(tape, wanted);
  kept.assign(tape.inputs, false);
  const auto keep = [&](int value) {
    if (value < tape.inputs) kept[value] = true;
  };
  for (const TapeDot& dot : dots) keep(dot.a);
  for (const TapeOperation& operation : again.operations) {
    for (const TapeTerm& term : operation.terms) keep(term.value);
  }
}

namespace {

// All values of a tape by LibTorch's operators.
variable_list plain(const Tape& tape, const variable_list& inputs, at::TensorList learned) {
  variable_list values = inputs;
  for (const TapeOperation& operation : tape.operations) values.push_back(combine(operation.terms, values, learned));
  return values;
}

variable_list pick(const variable_list& values, const std::vector<int>& wanted) {
  variable_list found;
  for (const int value : wanted) found.push_back(values[value]);
  return found;
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

struct Job : torch::CustomClassHolder {
  explicit Job(std::shared_ptr<const LinearMap> of) : map(std::move(of)) {}
  std::shared_ptr<const LinearMap> map;
};

template <class Number>
std::vector<Number> numbers(at::TensorList scalars) {
  std::vector<Number> numbers;
  for (const Tensor& scalar : scalars) numbers.push_back(scalar.item<Number>());
  return numbers;
}

// A run whose inputs are these tensors, an undefined one is not read; the wanted values are made like the first.
template <class Number>
struct Prepared {
  Prepared(const Tape& tape, at::TensorList inputs, const std::vector<int>& wanted, const Tensor& like)
      : values(tape.values()), run{tape, std::vector<Number*>(tape.values())} {
    std::copy(inputs.begin(), inputs.end(), values.begin());
    for (const int value : wanted) {
      if (value >= tape.inputs && !values[value].defined()) values[value] = torch::empty_like(like);
    }
    for (size_t v = 0; v < values.size(); ++v) {
      if (values[v].defined()) run.values[v] = static_cast<Number*>(values[v].data_ptr());
    }
  }
  variable_list values;
  LinearRun<Number> run;
};

struct LinearNode : torch::autograd::Function<LinearNode> {
  static variable_list forward(AutogradContext* context, const c10::intrusive_ptr<Job>& job, at::TensorList tensors) {
    const LinearMap& map = *job->map;
    const at::TensorList inputs = tensors.slice(0, map.tape.inputs), learned = tensors.slice(map.tape.inputs);
    variable_list kept(learned.begin(), learned.end());
    for (int i = 0; i < map.tape.inputs; ++i) {
      if (map.kept[i]) kept.push_back(inputs[i]);
    }
    context->save_for_backward(kept);
    context->saved_data["job"] = torch::IValue::make_capsule(job);
    context->saved_data["strides"] = inputs[0].strides().vec();
    return inputs[0].scalar_type() == torch::kFloat32 ? run<float>(map, inputs, learned)
                                                      : run<double>(map, inputs, learned);
  }

  template <class Number>
  static variable_list run(const LinearMap& map, at::TensorList inputs, at::TensorList learned) {
    const Prepared<Number> prepared(map.tape, inputs, map.outputs, inputs[0]);
    run_linear(prepared.run, numbers<Number>(learned), inputs[0].numel());
    return pick(prepared.values, map.outputs);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto job = c10::static_intrusive_pointer_cast<Job>(context->saved_data["job"].toCapsule());
    const LinearMap& map = *job->map;
    const variable_list saved = context->get_saved_variables();
    auto next = saved.end() - std::count(map.kept.begin(), map.kept.end(), true);
    const variable_list learned(saved.begin(), next);
    variable_list inputs(map.tape.inputs);
    for (int i = 0; i < map.tape.inputs; ++i) {
      if (map.kept[i]) inputs[i] = *next++;
    }
    const std::vector<int64_t> strides = context->saved_data["strides"].toIntVector();
    for (Tensor& gradient : gradients) {
      if (gradient.strides() != at::IntArrayRef(strides)) {
        gradient = torch::empty_strided(gradient.sizes(), strides, gradient.options()).copy_(gradient);
      }
    }
    variable_list found(1);  // of the job
    const auto add = [&found](const variable_list& more) { found.insert(found.end(), more.begin(), more.end()); };
    if (torch::GradMode::is_enabled()) {  // a derivative of this derivative is wanted
      add(plain_back(map, inputs, learned, gradients));
    } else if (gradients[0].scalar_type() == torch::kFloat32) {
      add(run_back<float>(map, inputs, learned, gradients));
    } else {
      add(run_back<double>(map, inputs, learned, gradients));
    }
    return found;
  }

  static variable_list plain_back(const LinearMap& map, const variable_list& inputs, const variable_list& learned,
                                  const variable_list& gradients) {
    const variable_list values = plain(map.again, inputs, learned), found = plain(map.back, gradients, learned);
    variable_list all = pick(found, map.gradients), sums(learned.size());
    for (const TapeDot& dot : map.dots) {
      const Tensor product = (values[dot.a] * found[dot.b]).sum();
      sums[dot.learned] = sums[dot.learned].defined() ? sums[dot.learned] + product : product;
    }
    all.insert(all.end(), sums.begin(), sums.end());
    return all;
  }

  template <class Number>
  static variable_list run_back(const LinearMap& map, const variable_list& inputs, const variable_list& learned,
                                const variable_list& gradients) {
    const Tensor& like = gradients[0];
    const Prepared<Number> back(map.back, gradients, map.gradients, like);
    variable_list all = pick(back.values, map.gradients);
    if (map.dots.empty()) {
      run_linear(back.run, numbers<Number>(learned), like.numel());
      all.resize(all.size() + learned.size());
      return all;
    }
    const Prepared<Number> again(map.again, inputs, {}, like);
    const auto sums = run_linear(again.run, back.run, map.dots, numbers<Number>(learned), like.numel());
    for (const double sum : sums) all.push_back(torch::tensor(sum, like.options()));
    return all;
  }
};

}  // namespace

variable_list apply(const std::shared_ptr<const LinearMap>& map, const variable_list& inputs, at::TensorList learned) {
  if (!fits(inputs, learned)) return pick(plain(map->tape, inputs, learned), map->outputs);
  variable_list tensors = inputs;
  tensors.insert(tensors.end(), learned.begin(), learned.end());
  return LinearNode::apply(c10::make_intrusive<Job>(map), at::TensorList(tensors));
}

}  // namespace optdnn::models
