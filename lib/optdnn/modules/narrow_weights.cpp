#include "optdnn/modules/narrow_weights.h"

#include <ATen/ceil_div.h>

#include <limits>

#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/gpu_cast.h"
#include "optdnn/kernels/layout.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/vision_layers.h"

namespace optdnn::modules {

using kernels::Sizes;
using torch::Tensor;
using torch::autograd::variable_list;

namespace {

constexpr int64_t kMultiple = 8;  // of channels that kernels read as one

// Outputs and inputs of a convolution, or the last dimension.
Sizes padded_sizes(const Tensor& tensor) {
  Sizes sizes = tensor.sizes().vec();
  if (tensor.dim() == 4) sizes[0] = at::round_up(sizes[0], kMultiple);
  int64_t& channels = tensor.dim() == 4 ? sizes[1] : sizes.back();
  channels = at::round_up(channels, kMultiple);
  return sizes;
}

class Copied : public kernels::Differentiable {
 public:
  Copied(torch::Dtype type, std::vector<Sizes> sizes) : type_(type), sizes_(std::move(sizes)) {}

  variable_list forward(at::TensorList own, variable_list&) override {
    for (const Tensor& tensor : own) own_sizes_.push_back(tensor.sizes().vec());
    variable_list copies = kernels::gpu_cast(own, type_, sizes_);
    for (const Tensor& copy : copies) strides_.push_back(copy.strides().vec());
    return copies;
  }

  variable_list backward(const variable_list&, variable_list gradients) const override {
    for (size_t i = 0; i < gradients.size(); ++i) gradients[i] = kernels::laid_as(gradients[i], strides_[i]);
    return kernels::gpu_cast(gradients, torch::kFloat32, own_sizes_);
  }

  variable_list differentiable_backward(const variable_list&, variable_list gradients) const override {
    for (size_t i = 0; i < gradients.size(); ++i) {
      gradients[i] = gradients[i].to(torch::kFloat32);
      for (int64_t d = 0; d < gradients[i].dim(); ++d) gradients[i] = gradients[i].narrow(d, 0, own_sizes_[i][d]);
    }
    return gradients;
  }

 private:
  torch::Dtype type_;
  std::vector<Sizes> sizes_, own_sizes_, strides_;
};

// While it lives, tensors stand in these places in the stead of their own.
class InPlaces {
 public:
  InPlaces(const std::vector<Tensor*>& places, std::vector<Tensor> tensors)
      : places_(places), others_(std::move(tensors)) {
    swap();
  }
  ~InPlaces() { swap(); }
  InPlaces(const InPlaces&) = delete;
  InPlaces& operator=(const InPlaces&) = delete;

 private:
  void swap() {
    for (size_t i = 0; i < places_.size(); ++i) std::swap(*places_[i], others_[i]);
  }

  const std::vector<Tensor*>& places_;
  std::vector<Tensor> others_;
};

bool is_taken(const Tensor& own, const Sizes& sizes) {
  const bool innermost = own.dim() != 4 || own.is_contiguous(at::MemoryFormat::ChannelsLast);
  return own.scalar_type() == torch::kFloat32 && own.numel() < std::numeric_limits<int>::max() &&
         own.is_non_overlapping_and_dense() && (innermost || own.sizes() == sizes);
}

}  // namespace

void NarrowWeights::Copies::add(Tensor& place, bool padded) {
  places.push_back(&place);
  sizes.push_back(padded ? padded_sizes(place) : place.sizes().vec());
}

std::vector<Tensor> NarrowWeights::Copies::own() const {
  std::vector<Tensor> own;
  for (const Tensor* place : places) own.push_back(*place);
  return own;
}

NarrowWeights::NarrowWeights(const torch::nn::Module& network, torch::Dtype type, bool padded) : type_(type) {
  for (const auto& module : network.modules()) {
    if (auto* layer = module->as<ConvolutionImpl>()) weights_.add(layer->weight, padded);
    if (auto* layer = module->as<ProjectionImpl>()) {
      for (Tensor* place : {&layer->weight, &layer->bias}) weights_.add(*place, false);
    }
    if (auto* layer = module->as<BiasedConvolutionImpl>()) {
      for (Tensor* place : {&layer->weight, &layer->bias}) weights_.add(*place, false);
    }
    auto* norm = module->as<NormImpl>();
    if (!padded || !norm || !norm->running_mean.defined() || norm->running_mean.size(1) % kMultiple == 0) continue;
    for (Tensor* place : {&norm->running_mean, &norm->running_var}) statistics_.add(*place, true);
    if (!norm->weight.defined()) continue;
    for (Tensor* place : {&norm->weight, &norm->bias}) norms_.add(*place, true);
  }
}

bool NarrowWeights::fits(const torch::Device& device) const {
  const auto are_taken = [](const Copies& copies, bool learned) {
    for (size_t i = 0; i < copies.places.size(); ++i) {
      const Tensor& own = *copies.places[i];
      if (!is_taken(own, copies.sizes[i]) || (learned && !own.requires_grad())) return false;
    }
    return true;
  };
  if (weights_.places.empty() || !are_taken(weights_, true) || !are_taken(norms_, true) ||
      !are_taken(statistics_, false)) {
    return false;
  }
  return kernels::gpu_casts(device, torch::kFloat32, type_) && kernels::gpu_casts(device, type_, torch::kFloat32) &&
         (statistics_.places.empty() || kernels::gpu_casts(device, torch::kFloat32, torch::kFloat32));
}

Tensor NarrowWeights::during(const std::function<Tensor()>& forward) const {
  const auto copies_of = [](const Copies& copies, torch::Dtype type) {
    if (copies.places.empty()) return std::vector<Tensor>();
    return kernels::apply(c10::make_intrusive<Copied>(type, copies.sizes), copies.own());
  };
  const InPlaces weights(weights_.places, copies_of(weights_, type_));
  if (statistics_.places.empty()) return forward();
  const InPlaces norms(norms_.places, copies_of(norms_, torch::kFloat32));
  const std::vector<Tensor> own = statistics_.own(),
                            copies = kernels::gpu_cast(own, torch::kFloat32, statistics_.sizes);
  const InPlaces statistics(statistics_.places, copies);
  const Tensor outputs = forward();
  kernels::gpu_cast_to(copies, own);
  return outputs;
}

}  // namespace optdnn::modules
