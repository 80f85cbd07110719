#include "optdnn/models/recompute.h"

#include <ATen/autocast_mode.h>

namespace optdnn::models {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// What a run depends on beside its tensors, and the way back does not know.
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

// Makes the surroundings those of then, and at its end again those of now.
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

struct Recomputation : torch::CustomClassHolder {
  Recomputation(std::shared_ptr<torch::nn::Module> module_, RunOnTensors run_, size_t inputs_, Surroundings then_)
      : module(std::move(module_)), run(std::move(run_)), inputs(inputs_), then(std::move(then_)) {}

  Tensor run_again(const variable_list& at) const {
    const Visit visit(then);
    return run(at);
  }

  std::shared_ptr<torch::nn::Module> module;
  RunOnTensors run;
  size_t inputs;  // the other tensors are the module's parameters
  Surroundings then;
};

class Recomputed : public torch::autograd::Function<Recomputed> {
 public:
  static Tensor forward(AutogradContext* context, const c10::intrusive_ptr<Recomputation>& job, at::TensorList tensors) {
    context->save_for_backward(tensors.vec());
    context->saved_data["job"] = torch::IValue::make_capsule(job);
    return job->run(tensors.slice(0, job->inputs).vec());
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto job = c10::static_intrusive_pointer_cast<Recomputation>(context->saved_data["job"].toCapsule());
    variable_list tensors = context->get_saved_variables(), wanted;
    for (size_t i = 0; i < job->inputs; ++i)
      tensors[i] = tensors[i].detach().requires_grad_(tensors[i].requires_grad());
    for (const Tensor& tensor : tensors) {
      if (tensor.requires_grad()) wanted.push_back(tensor);
    }
    const torch::AutoGradMode with_gradients(true);
    const KeptBuffers kept(*job->module);
    const Tensor output = job->run_again({tensors.begin(), tensors.begin() + job->inputs});
    const variable_list found = torch::autograd::grad({output}, wanted, {gradients.front()});
    variable_list result(1);  // of the job
    auto next = found.begin();
    for (const Tensor& tensor : tensors) result.push_back(tensor.requires_grad() ? *next++ : Tensor());
    return result;
  }
};

}  // namespace

Tensor recomputed(const std::shared_ptr<torch::nn::Module>& module, RunOnTensors run,
                  const std::vector<Tensor>& inputs) {
  if (!torch::GradMode::is_enabled()) return run(inputs);
  std::vector<Tensor> tensors = inputs;
  for (const Tensor& parameter : module->parameters()) tensors.push_back(parameter);
  const auto job =
      c10::make_intrusive<Recomputation>(module, std::move(run), inputs.size(), Surroundings(inputs.front().device()));
  return Recomputed::apply(job, at::TensorList(tensors));
}

}  // namespace optdnn::models
