#include "optdnn/modules/narrow_weights.h"

#include <limits>

#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/gpu_cast.h"
#include "optdnn/kernels/layout.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/vision_layers.h"

namespace optdnn::modules {

using kernels::Shape;
using torch::Tensor;
using torch::autograd::variable_list;

namespace {

int64_t channel_dimension(const Tensor& tensor) { return tensor.dim() == 4 ? 1 : tensor.dim() - 1; }

// Outputs and inputs of a convolution, or the last dimension.
Shape padded_shape(const Tensor& tensor, int64_t parts) {
  Shape shape{tensor.sizes().vec(), parts};
  if (tensor.dim() == 4) shape.sizes[0] = padded_channels(shape.sizes[0]);
  int64_t& channels = shape.sizes[channel_dimension(tensor)];
  channels = parts * padded_channels(channels / parts);
  return shape;
}

// What is its own of a padded tensor.
Tensor without_padding(const Tensor& padded, const Shape& own) {
  const int64_t channels = channel_dimension(padded);
  const Tensor by_part = padded.narrow(0, 0, padded.dim() == 4 ? own.sizes[0] : padded.size(0))
                             .unflatten(channels, {own.parts, -1})
                             .narrow(channels + 1, 0, own.sizes[channels] / own.parts);
  return by_part.flatten(channels, channels + 1);
}

class Copied : public kernels::Differentiable {
 public:
  Copied(torch::Dtype type, std::vector<Shape> shapes) : type_(type), shapes_(std::move(shapes)) {}

  variable_list forward(at::TensorList own, variable_list&) override {
    for (size_t i = 0; i < own.size(); ++i) own_.push_back({own[i].sizes().vec(), shapes_[i].parts});
    variable_list copies = kernels::gpu_cast(own, type_, shapes_);
    for (const Tensor& copy : copies) strides_.push_back(copy.strides().vec());
    return copies;
  }

  variable_list backward(const variable_list&, variable_list gradients) const override {
    for (size_t i = 0; i < gradients.size(); ++i) gradients[i] = kernels::laid_as(gradients[i], strides_[i]);
    return kernels::gpu_cast(gradients, torch::kFloat32, own_);
  }

  variable_list differentiable_backward(const variable_list&, variable_list gradients) const override {
    for (size_t i = 0; i < gradients.size(); ++i) {
      gradients[i] = gradients[i].to(torch::kFloat32);
      if (gradients[i].sizes() != own_[i].sizes) gradients[i] = without_padding(gradients[i], own_[i]);
    }
    return gradients;
  }

 private:
  torch::Dtype type_;
  std::vector<Shape> shapes_, own_;
  std::vector<std::vector<int64_t>> strides_;
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

bool is_taken(const Tensor& own, const Shape& shape) {
  const bool innermost = own.dim() != 4 || own.is_contiguous(at::MemoryFormat::ChannelsLast);
  return own.scalar_type() == torch::kFloat32 && own.numel() < std::numeric_limits<int>::max() &&
         own.is_non_overlapping_and_dense() && (innermost || own.sizes() == shape.sizes);
}

}  // namespace

void NarrowWeights::Copies::add(Tensor& place) {
  places.push_back(&place);
  shapes.push_back({place.sizes().vec()});
}

void NarrowWeights::Copies::add_padded(Tensor& place, int64_t parts) {
  places.push_back(&place);
  shapes.push_back(padded_shape(place, parts));
}

std::vector<Tensor> NarrowWeights::Copies::own() const {
  std::vector<Tensor> own;
  for (const Tensor* place : places) own.push_back(*place);
  return own;
}

NarrowWeights::NarrowWeights(const torch::nn::Module& network, torch::Dtype type, bool padded) : type_(type) {
  for (const auto& module : network.modules()) {
    if (auto* layer = module->as<ConvolutionImpl>()) {
      padded ? weights_.add_padded(layer->weight, layer->input_parts) : weights_.add(layer->weight);
    } else if (auto* projection = module->as<ProjectionImpl>()) {
      for (Tensor* place : {&projection->weight, &projection->bias}) weights_.add(*place);
    } else if (auto* biased = module->as<BiasedConvolutionImpl>()) {
      for (Tensor* place : {&biased->weight, &biased->bias}) weights_.add(*place);
    } else if (auto* norm = module->as<NormImpl>(); norm && padded && norm->running_mean.defined()) {
      if (padded_shape(norm->running_mean, norm->parts).sizes == norm->running_mean.sizes()) continue;
      for (Tensor* place : {&norm->running_mean, &norm->running_var}) statistics_.add_padded(*place, norm->parts);
      if (!norm->weight.defined()) continue;
      for (Tensor* place : {&norm->weight, &norm->bias}) norms_.add_padded(*place, norm->parts);
    }
  }
}

bool NarrowWeights::fits(const torch::Device& device) const {
  for (const Copies* copies : {&weights_, &norms_, &statistics_}) {
    for (size_t i = 0; i < copies->places.size(); ++i) {
      if (!is_taken(*copies->places[i], copies->shapes[i])) return false;
    }
  }
  return !weights_.places.empty() && kernels::gpu_casts(device, torch::kFloat32, type_) &&
         kernels::gpu_casts(device, type_, torch::kFloat32) &&
         (statistics_.places.empty() || kernels::gpu_casts(device, torch::kFloat32, torch::kFloat32));
}

Tensor NarrowWeights::during(const std::function<Tensor()>& forward) const {
  const auto copies_of = [](const Copies& copies, torch::Dtype type) {
    if (copies.places.empty()) return std::vector<Tensor>();
    return kernels::apply(c10::make_intrusive<Copied>(type, copies.shapes), copies.own());
  };
  const InPlaces weights(weights_.places, copies_of(weights_, type_));
  if (statistics_.places.empty()) return forward();
  const InPlaces norms(norms_.places, copies_of(norms_, torch::kFloat32));
  const std::vector<Tensor> own = statistics_.own(),
                            copies = kernels::gpu_cast(own, torch::kFloat32, statistics_.shapes);
  const InPlaces statistics(statistics_.places, copies);
  const Tensor outputs = forward();
  kernels::gpu_cast_to(copies, own, statistics_.shapes);
  return outputs;
}

}  // namespace optdnn::modules
