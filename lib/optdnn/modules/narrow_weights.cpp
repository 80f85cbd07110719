#include "optdnn/modules/narrow_weights.h"

#include <algorithm>

#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/gpu_cast.h"
#include "optdnn/kernels/layout.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/vision_layers.h"

namespace optdnn::modules {

using torch::Tensor;
using torch::autograd::variable_list;

namespace {

class Narrowed : public kernels::Differentiable {
 public:
  explicit Narrowed(torch::Dtype type) : type_(type) {}

  variable_list forward(at::TensorList weights, variable_list&) override {
    for (const Tensor& weight : weights) strides_.push_back(weight.strides().vec());
    return kernels::gpu_cast(weights, type_);
  }

  variable_list backward(const variable_list&, variable_list gradients) const override {
    for (size_t i = 0; i < gradients.size(); ++i) gradients[i] = kernels::laid_as(gradients[i], strides_[i]);
    return kernels::gpu_cast(gradients, torch::kFloat32);
  }

  variable_list differentiable_backward(const variable_list&, variable_list gradients) const override {
    for (Tensor& gradient : gradients) gradient = gradient.to(torch::kFloat32);
    return gradients;
  }

 private:
  torch::Dtype type_;
  std::vector<std::vector<int64_t>> strides_;
};

template <class Layer>
void add_places(torch::nn::Module& module, std::vector<Tensor*>& places) {
  auto* layer = module.as<Layer>();
  if (!layer) return;
  places.push_back(&layer->weight);
  if constexpr (requires { layer->bias; }) places.push_back(&layer->bias);
}

}  // namespace

NarrowWeights::NarrowWeights(const torch::nn::Module& network, torch::Dtype type) : type_(type) {
  for (const auto& module : network.modules()) {
    add_places<ConvolutionImpl>(*module, places_);
    add_places<ProjectionImpl>(*module, places_);
    add_places<BiasedConvolutionImpl>(*module, places_);
  }
}

bool NarrowWeights::fits(const torch::Device& device) const {
  const auto is_taken = [](const Tensor* weight) {
    return weight->scalar_type() == torch::kFloat32 && weight->is_non_overlapping_and_dense() &&
           weight->requires_grad();
  };
  return !places_.empty() && std::all_of(places_.begin(), places_.end(), is_taken) &&
         kernels::gpu_casts(device, torch::kFloat32, type_) && kernels::gpu_casts(device, type_, torch::kFloat32);
}

NarrowWeights::Use::Use(NarrowWeights& weights) : places_(weights.places_) {
  for (const Tensor* place : places_) own_.push_back(*place);
  const auto narrow = kernels::apply(c10::make_intrusive<Narrowed>(weights.type_), own_);
  for (size_t i = 0; i < places_.size(); ++i) *places_[i] = narrow[i];
}

NarrowWeights::Use::~Use() {
  for (size_t i = 0; i < places_.size(); ++i) *places_[i] = own_[i];
}

}  // namespace optdnn::modules
