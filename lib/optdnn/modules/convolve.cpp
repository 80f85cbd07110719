#include "optdnn/modules/convolve.h"

#include <ATen/autocast_mode.h>
#include <ATen/record_function.h>

#include "optdnn/modules/layers.h"
#include "optdnn/modules/normalised_convolution.h"

namespace optdnn::modules {

using kernels::Convolutions, kernels::Pass, kernels::Way, kernels::WeightStrides, kernels::WinogradShape;
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

WinogradShape shape_of(const Tensor& x, const Tensor& w) {
  return {x.size(0), x.size(2), x.size(3), x.size(1), w.size(0)};
}

// Whether the kernels can read it; which of them pay is said by kernels::way_of.
bool suits_kernels(const Tensor& x, const Tensor& w, int64_t stride) {
  const auto is_float = [](const Tensor& t) { return t.device().is_cpu() && t.scalar_type() == torch::kFloat32; };
  return stride == 1 && is_float(x) && is_float(w) && x.dim() == 4 && x.numel() > 0 && w.size(1) == x.size(1) &&
         w.size(2) == 3 && w.size(3) == 3 && x.is_contiguous(kChannelsLast) &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

Tensor forward_pass(const Tensor& x, const Tensor& w, Convolutions convolutions) {
  const WinogradShape shape = shape_of(x, w);
  const Way way = counted(kernels::way_of(convolutions, Pass::forward, shape), Pass::forward);
  if (way == Way::libtorch) return torch::conv2d(x, w, {}, 1, 1);
  // Whoever watches LibTorch's operators, to count or to profile them, sees one more.
  const c10::IValue inputs[] = {c10::IValue(x), c10::IValue(w)};
  at::RecordFunction watched(at::RecordScope::FUNCTION);
  if (watched.isActive()) watched.before("aten::convolution", c10::ArrayRef<const c10::IValue>(inputs));
  Tensor y = torch::empty({x.size(0), w.size(0), x.size(2), x.size(3)}, x.options().memory_format(kChannelsLast));
  kernels::winograd_forward(tile_of(way), shape, numbers(x), numbers(w), strides_of(w), y.data_ptr<float>());
  if (watched.isActive()) watched.setOutputs(std::vector<c10::IValue>{y});
  return y;
}

std::tuple<Tensor, Tensor> by_libtorch(const Tensor& dy, const Tensor& x, const Tensor& w, bool data, bool weights) {
  if (!data && !weights) return {};
  const auto [dx, dw, none] = at::convolution_backward(dy, x, w, std::nullopt, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                                                       {data, weights, false});
  return {dx, dw};
}

struct ConvolutionNode : torch::autograd::Function<ConvolutionNode> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& w, int64_t convolutions) {
    context->save_for_backward({x, w});
    context->saved_data["convolutions"] = convolutions;
    return forward_pass(x, w, static_cast<Convolutions>(convolutions));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    if (!gradients[0].defined()) return variable_list(3);
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &w = saved[1];
    const bool data = context->needs_input_grad(0), weights = context->needs_input_grad(1);
    const auto convolutions = static_cast<Convolutions>(context->saved_data["convolutions"].toInt());
    const WinogradShape shape = shape_of(x, w);
    const bool again = torch::GradMode::is_enabled();  // a derivative of this derivative is wanted
    const auto way_of = [&](Pass pass, bool wanted) {
      if (!wanted) return Way::libtorch;
      return counted(again ? Way::libtorch : kernels::way_of(convolutions, pass, shape), pass);
    };
    const Way data_way = way_of(Pass::data, data), weights_way = way_of(Pass::weights, weights);
    const Tensor dy = again ? gradients[0] : gradients[0].contiguous(kChannelsLast);
    auto [dx, dw] = by_libtorch(dy, x, w, data && data_way == Way::libtorch, weights && weights_way == Way::libtorch);
    if (data_way != Way::libtorch) {
      dx = torch::empty_like(x);
      kernels::winograd_backward_data(tile_of(data_way), shape, numbers(dy), numbers(w), strides_of(w),
                                      dx.data_ptr<float>());
    }
    if (weights_way != Way::libtorch) {
      dw = torch::empty_like(w);
      kernels::winograd_backward_weights(tile_of(weights_way), shape, numbers(x), numbers(dy), dw.data_ptr<float>(),
                                         strides_of(dw));
    }
    return {dx, dw, {}};
  }
};

}  // namespace

Tensor convolve(const Tensor& x, const Tensor& weight, int64_t stride, Convolutions convolutions) {
  if (convolutions == Convolutions::exact || !suits_kernels(x, weight, stride)) {
    kernels::count(Pass::forward, Way::libtorch);
    return torch::conv2d(x, weight, {}, stride, weight.size(-1) / 2);
  }
  if (!torch::GradMode::is_enabled()) return forward_pass(x, weight, convolutions);
  return ConvolutionNode::apply(x, weight, static_cast<int64_t>(convolutions));
}

void set_convolutions(torch::nn::Module& network, Convolutions convolutions) {
  for (const auto& module : network.modules()) {
    if (auto* plain = module->as<ConvolutionImpl>()) plain->convolutions = convolutions;
    if (auto* normalised = module->as<NormalisedConvolutionImpl>()) normalised->convolutions = convolutions;
  }
}

}  // namespace optdnn::modules
