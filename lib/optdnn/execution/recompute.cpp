#include "optdnn/execution/recompute.h"

#include <ATen/autocast_mode.h>

#include "optdnn/kernels/differentiable.h"

namespace optdnn::execution {

using torch::Tensor;
using torch::autograd::variable_list;

namespace {

// What a run depends on beside its tensors; the backward pass has to set it again.
struct Surroundings {
  explicit Surroundings(const torch::Device& device_)
      : device(device_),
        generator(at::globalContext().defaultGenerator(device).get_state()),
        autocast(at::autocast::is_autocast_enabled(device.type())),
        precision(at::autocast::get_autocast_dtype(device.type())) {}
  void set() const {
    at::Generator its_generator = at::globalContext().defaultGenerator(device);
    its_generator.set_state(generator);
    at::autocast::set_autocast_enabled(device.type(), autocast);
    at::autocast::set_autocast_dtype(device.type(), precision);
  }
  torch::Device device;
  Tensor generator;
  bool autocast;
  torch::Dtype precision;
};

// Sets the surroundings of the first run, and at its end those of before.
class Visit {
 public:
  explicit Visit(const Surroundings& then) : now_(then.device) {
    then.set();
    at::autocast::increment_nesting();
  }
  ~Visit() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    now_.set();
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  Surroundings now_;
};

// Puts a module's buffers, its batch statistics, back when it ends.
class KeptBuffers {
 public:
  explicit KeptBuffers(const torch::nn::Module& module) : buffers_(module.buffers()) {
    for (const Tensor& buffer : buffers_) before_.push_back(buffer.clone());
  }
  ~KeptBuffers() {
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < before_.size(); ++i) buffers_[i].copy_(before_[i]);
  }
  KeptBuffers(const KeptBuffers&) = delete;
  KeptBuffers& operator=(const KeptBuffers&) = delete;

 private:
  std::vector<Tensor> buffers_, before_;
};

// run(inputs), of its inputs and then the module's parameters.
class Recomputed : public kernels::Differentiable {
 public:
  Recomputed(std::shared_ptr<torch::nn::Module> module, RunOnTensors run, size_t inputs, Surroundings then)
      : module_(std::move(module)), run_(std::move(run)), inputs_(inputs), then_(std::move(then)) {}

  variable_list forward(at::TensorList tensors, variable_list& saved) override {
    saved = tensors.vec();
    return {run_(tensors.slice(0, inputs_).vec())};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    variable_list tensors = saved, wanted;
    for (size_t i = 0; i < inputs_; ++i) {
      tensors[i] = tensors[i].detach().requires_grad_(tensors[i].requires_grad());
    }
    for (const Tensor& tensor : tensors) {
      if (tensor.requires_grad()) wanted.push_back(tensor);
    }
    const torch::AutoGradMode with_gradients(true);
    const KeptBuffers kept(*module_);
    const Tensor output = run_again({tensors.begin(), tensors.begin() + static_cast<ptrdiff_t>(inputs_)});
    const variable_list found = torch::autograd::grad({output}, wanted, {gradients.front()});
    variable_list result;
    auto next = found.begin();
    for (const Tensor& tensor : tensors) result.push_back(tensor.requires_grad() ? *next++ : Tensor());
    return result;
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    return backward(saved, std::move(gradients));  // whose own derivative is not offered
  }

 private:
  Tensor run_again(const variable_list& at) const {
    const Visit visit(then_);
    return run_(at);
  }

  std::shared_ptr<torch::nn::Module> module_;
  RunOnTensors run_;
  size_t inputs_;
  Surroundings then_;
};

}  // namespace

Tensor recomputed(const std::shared_ptr<torch::nn::Module>& module, RunOnTensors run,
                  const std::vector<Tensor>& inputs) {
  if (!torch::GradMode::is_enabled()) return run(inputs);
  std::vector<Tensor> tensors = inputs;
  for (const Tensor& parameter : module->parameters()) tensors.push_back(parameter);
  return kernels::apply(c10::make_intrusive<Recomputed>(module, std::move(run), inputs.size(),
                                                        Surroundings(inputs.front().device())),
                        tensors)
      .front();
}

}  // namespace optdnn::execution
