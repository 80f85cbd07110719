#include "optdnn/modules/convolve.h"

#include <ATen/autocast_mode.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <limits>

#include "optdnn/kernels/cpu_convolve.h"
#include "optdnn/kernels/gpu_cast.h"
#include "optdnn/kernels/gpu_convolve.h"
#include "optdnn/modules/layers.h"
#include "optdnn/modules/normalised_convolution.h"

namespace optdnn::modules {

using kernels::Convolutions, kernels::ConvolutionShape, kernels::Pass, kernels::Way, kernels::WeightStrides;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

Way counted(Way way, Pass pass) {
  kernels::count(pass, way);
  return way;
}

const float* numbers(const Tensor& x) { return x.const_data_ptr<float>(); }
WeightStrides strides_of(const Tensor& w) { return {w.stride(0), w.stride(1), w.stride(2), w.stride(3)}; }

ConvolutionShape shape_of(const Tensor& x, const Tensor& w) {
  return {x.size(0), x.size(2), x.size(3), x.size(1), w.size(0)};
}

// Whether the kernels can read it; which of them pay is said by kernels::way_of.
bool suits_kernels(const Tensor& x, const Tensor& w, int64_t stride) {
  const auto is_float = [](const Tensor& t) { return t.device().is_cpu() && t.scalar_type() == torch::kFloat32; };
  return stride == 1 && is_float(x) && is_float(w) && x.dim() == 4 && x.numel() > 0 && w.size(1) == x.size(1) &&
         w.size(2) == 3 && w.size(3) == 3 && x.is_contiguous(kChannelsLast) &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

// x, which may be the stand-in for relu(norm(x)), the norm, and what else is known.
struct Images {
  Tensor x;
  NormToMake* norm;
  const kernels::ChannelMap* map() const { return norm ? &norm->map : nullptr; }
};

Tensor forward_pass(const Images& images, const Tensor& w, Convolutions convolutions, KnownMoments* moments) {
  const Tensor& x = images.x;
  const ConvolutionShape shape = shape_of(x, w);
  const Way way = counted(kernels::way_of(convolutions, Pass::forward, shape), Pass::forward);
  if (way == Way::libtorch) return torch::conv2d(x, w, {}, 1, 1);
  if (images.norm) kernels::count_normed();
  // Whoever watches LibTorch's operators, to count or to profile them, sees one more.
  const c10::IValue inputs[] = {c10::IValue(x), c10::IValue(w)};
  at::RecordFunction watched(at::RecordScope::FUNCTION);
  if (watched.isActive()) watched.before("aten::convolution", c10::ArrayRef<const c10::IValue>(inputs));
  Tensor y = torch::empty({x.size(0), w.size(0), x.size(2), x.size(3)}, x.options().memory_format(kChannelsLast));
  kernels::convolve_forward(way, shape, numbers(x), numbers(w), strides_of(w), y.data_ptr<float>(),
                            kernels::best_instructions(), images.map(), moments ? &moments->all.emplace() : nullptr);
  if (watched.isActive()) watched.setOutputs(std::vector<c10::IValue>{y});
  return y;
}

// Whether all passes of the convolution can take the norm along.
bool takes_norm(const ConvolutionShape& shape, Convolutions convolutions) {
  const auto ours = [&](Pass pass) { return kernels::way_of(convolutions, pass, shape) != Way::libtorch; };
  return std::all_of(kernels::kPasses.begin(), kernels::kPasses.end(), ours);
}

// A 1x1 convolution reads one pixel in stride x stride. On a CPU these are taken first. The gradient of the weights
// does so by itself in oneDNN, but where channels-last images have fewer channels than a vector has lanes it is wrong,
// or writes past its memory (oneDNN issue 6035).
Tensor strided(const Tensor& x, const Tensor& w, int64_t stride) {
  if (stride == 1 || w.size(-1) > 1 || !x.device().is_cpu()) return torch::conv2d(x, w, {}, stride, w.size(-1) / 2);
  return torch::conv2d(x.slice(2, 0, {}, stride).slice(3, 0, {}, stride), w);
}

std::tuple<Tensor, Tensor> by_libtorch(const Tensor& dy, const Tensor& x, const Tensor& w, bool data, bool weights) {
  if (!data && !weights) return {};
  const auto [dx, dw, none] = at::convolution_backward(dy, x, w, std::nullopt, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                                                       {data, weights, false});
  return {dx, dw};
}

struct ConvolutionNode : torch::autograd::Function<ConvolutionNode> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& w, int64_t convolutions,
                        const c10::intrusive_ptr<NormToMake>& norm, KnownMoments* moments) {
    context->save_for_backward({x, w});
    context->saved_data["convolutions"] = convolutions;
    if (norm) context->saved_data["norm"] = torch::IValue::make_capsule(norm);
    return forward_pass({x, norm.get()}, w, static_cast<Convolutions>(convolutions), moments);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    if (!gradients[0].defined()) return variable_list(5);
    const variable_list saved = context->get_saved_variables();
    const bool again = torch::GradMode::is_enabled();  // a derivative of this derivative is wanted
    const auto found = context->saved_data.find("norm");
    c10::intrusive_ptr<NormToMake> norm;
    if (found != context->saved_data.end()) {
      norm = c10::static_intrusive_pointer_cast<NormToMake>(found->second.toCapsule());
    }
    const Tensor x = again && norm ? norm->relu_of(saved[0]) : saved[0], &w = saved[1];
    const Images images{x, norm.get()};
    const bool data = context->needs_input_grad(0), weights = context->needs_input_grad(1);
    const auto convolutions = static_cast<Convolutions>(context->saved_data["convolutions"].toInt());
    const ConvolutionShape shape = shape_of(x, w);
    const auto way_of = [&](Pass pass, bool wanted) {
      if (!wanted) return Way::libtorch;
      return counted(again ? Way::libtorch : kernels::way_of(convolutions, pass, shape), pass);
    };
    const Way data_way = way_of(Pass::data, data), weights_way = way_of(Pass::weights, weights);
    const Tensor dy = again ? gradients[0] : gradients[0].contiguous(kChannelsLast);
    auto [dx, dw] = by_libtorch(dy, x, w, data && data_way == Way::libtorch, weights && weights_way == Way::libtorch);
    if (data_way != Way::libtorch) {
      dx = torch::empty_like(x);
      kernels::NormedImages normed;
      if (norm && norm->readers == 1) normed = {&norm->map, numbers(x), &norm->mean, &norm->sums.emplace()};
      kernels::convolve_backward_data(data_way, shape, numbers(dy), numbers(w), strides_of(w), dx.data_ptr<float>(),
                                      kernels::best_instructions(), normed);
    }
    if (weights_way != Way::libtorch) {
      dw = torch::empty_like(w);
      kernels::convolve_backward_weights(weights_way, shape, numbers(x), numbers(dy), dw.data_ptr<float>(),
                                         strides_of(dw), kernels::best_instructions(), images.map());
    }
    return {dx, dw, {}, {}, {}};
  }
};

// Whether the weight has the inputs that a network's padded one has for x, which is not: the network's own inputs.
bool wants_padding(const Tensor& x, const Tensor& weight) {
  return x.size(1) < weight.size(1) && weight.size(1) == padded_channels(x.size(1));
}

// x with so many channels, the last of which are zero.
Tensor padded(const Tensor& images, int64_t channels, torch::Dtype type) {
  const Tensor x = images.contiguous(kChannelsLast);
  const bool by_kernel = !x.requires_grad() && x.numel() / x.size(1) * channels < std::numeric_limits<int>::max() &&
                         kernels::gpu_casts(x.device(), x.scalar_type(), type);
  if (!by_kernel) return torch::constant_pad_nd(x, {0, 0, 0, 0, 0, channels - x.size(1)});
  return kernels::gpu_cast({x}, type, {{{x.size(0), channels, x.size(2), x.size(3)}}}).front();
}

}  // namespace

Tensor convolve(const NormedRelu& images, const Tensor& weight, int64_t stride, Convolutions convolutions,
                KnownMoments* moments) {
  const Tensor& x = images.x();
  if (wants_padding(x, weight)) {
    return convolve(padded(images.made(), weight.size(1), weight.scalar_type()), weight, stride, convolutions, moments);
  }
  if (convolutions != Convolutions::exact && kernels::gpu_convolve_fits(x, weight, stride)) {
    kernels::count(Pass::forward, Way::gpu);
    const bool normed = kernels::gpu_convolve_fits(x, weight, stride, /*normed=*/true);
    Tensor* left = moments && normed ? &moments->left : nullptr;
    if (!images.norm() || !normed) return kernels::gpu_convolve(images.made(), weight, {}, left);
    kernels::count_normed();
    ++images.norm()->readers;
    return kernels::gpu_convolve(x, weight, images.norm(), left);
  }
  if (convolutions == Convolutions::exact || !suits_kernels(x, weight, stride)) {
    kernels::count(Pass::forward, Way::libtorch);
    return strided(images.made(), weight, stride);
  }
  if (images.norm() && !takes_norm(shape_of(x, weight), convolutions)) {
    return convolve(images.made(), weight, stride, convolutions, moments);
  }
  if (images.norm()) ++images.norm()->readers;
  if (!torch::GradMode::is_enabled()) return forward_pass({x, images.norm().get()}, weight, convolutions, moments);
  return ConvolutionNode::apply(x, weight, static_cast<int64_t>(convolutions), images.norm(), moments);
}

void set_convolutions(torch::nn::Module& network, Convolutions convolutions) {
  for (const auto& module : network.modules()) {
    if (auto* plain = module->as<ConvolutionImpl>()) plain->convolutions = convolutions;
    if (auto* normalised = module->as<NormalisedConvolutionImpl>()) normalised->convolutions = convolutions;
  }
}

}  // namespace optdnn::modules
