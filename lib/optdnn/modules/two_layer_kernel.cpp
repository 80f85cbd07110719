#include "optdnn/modules/two_layer_kernel.h"

#include <ATen/autocast_mode.h>

#include "optdnn/modules/layers.h"
#include "optdnn/modules/small_matrix.h"

namespace optdnn::modules {

using torch::Tensor;

namespace {

constexpr int64_t kLargest =
    1024;  // width times hidden; beyond it matrix products are faster (measured at 256 samples)

// h = s(h) in place, and dh = dh s'(z) from h = s(z).
void activate_in_place(Activation activation, Tensor& h) {
  if (activation == Activation::tanh) h.tanh_();
  if (activation == Activation::sigmoid) h.sigmoid_();
  if (activation == Activation::relu) h.relu_();
}
Tensor times_derivative(Activation activation, const Tensor& dh, const Tensor& h) {
  if (activation == Activation::tanh) return at::tanh_backward(dh, h);
  if (activation == Activation::sigmoid) return at::sigmoid_backward(dh, h);
  return at::threshold_backward(dh, h, 0);
}

// R x N x D (or N x D) as R x D x N in one piece of memory; no copy where it lies so already.
Tensor samples_innermost(const Tensor& x) { return x.transpose(-1, -2).contiguous(); }

// The sizes of a call. A single run is one run.
struct Sizes {
  explicit Sizes(const Tensor& x, const Tensor& W1)
      : R(x.dim() == 3 ? x.size(0) : 1), N(x.size(-2)), D(x.size(-1)), H(W1.size(-2)) {}
  int64_t R, N, D, H;
};

template <class Number>
void forward_loops(const Sizes& s, const Tensor& x_RDN, const TwoLayerWeights& w, Activation activation, Tensor& h_RHN,
                   Tensor& y_RDN) {
  const auto at = [](const Tensor& tensor, int64_t offset) { return tensor.data_ptr<Number>() + offset; };
  for (int64_t r = 0; r < s.R; ++r) {
    multiply(at(w.W1, r * s.H * s.D), s.D, 1, at(w.b1, r * s.H), at(x_RDN, r * s.D * s.N), at(h_RHN, r * s.H * s.N),
             s.H, s.D, s.N);
  }
  activate_in_place(activation, h_RHN);
  for (int64_t r = 0; r < s.R; ++r) {
    multiply(at(w.W2, r * s.H * s.D), s.H, 1, at(w.b2, r * s.D), at(h_RHN, r * s.H * s.N), at(y_RDN, r * s.D * s.N),
             s.D, s.H, s.N);
  }
}

template <class Number>
void backward_loops(const Sizes& s, const Tensor& x_RDN, const Tensor& h_RHN, const TwoLayerWeights& w,
                    Activation activation, const Tensor& dy_RDN, Tensor& dx_RDN, TwoLayerWeights& d) {
  const auto at = [](const Tensor& tensor, int64_t offset) { return tensor.data_ptr<Number>() + offset; };
  const Tensor dh_RHN = torch::empty_like(h_RHN);
  for (int64_t r = 0; r < s.R; ++r) {
    const Number *dy = at(dy_RDN, r * s.D * s.N), *h = at(h_RHN, r * s.H * s.N);
    multiply<Number>(at(w.W2, r * s.H * s.D), 1, s.H, nullptr, dy, at(dh_RHN, r * s.H * s.N), s.H, s.D, s.N);
    accumulate_outer(dy, h, at(d.W2, r * s.H * s.D), at(d.b2, r * s.D), s.D, s.H, s.N);
  }
  const Tensor dz_RHN = times_derivative(activation, dh_RHN, h_RHN);
  for (int64_t r = 0; r < s.R; ++r) {
    const Number *dz = at(dz_RHN, r * s.H * s.N), *x = at(x_RDN, r * s.D * s.N);
    multiply<Number>(at(w.W1, r * s.H * s.D), 1, s.D, nullptr, dz, at(dx_RDN, r * s.D * s.N), s.D, s.H, s.N);
    accumulate_outer(dz, x, at(d.W1, r * s.H * s.D), at(d.b1, r * s.H), s.H, s.D, s.N);
  }
}

struct TwoLayerNode : torch::autograd::Function<TwoLayerNode> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& W1, const Tensor& b1,
                        const Tensor& W2, const Tensor& b2, int64_t activation) {
    const Sizes s(x, W1);
    const TwoLayerWeights w{W1.contiguous(), b1.contiguous(), W2.contiguous(), b2.contiguous()};
    const Tensor x_RDN = samples_innermost(x);
    Tensor h_RHN = torch::empty({s.R, s.H, s.N}, x.options()), y_RDN = torch::empty_like(x_RDN);
    const auto chosen = static_cast<Activation>(activation);
    x.scalar_type() == torch::kFloat32 ? forward_loops<float>(s, x_RDN, w, chosen, h_RHN, y_RDN)
                                       : forward_loops<double>(s, x_RDN, w, chosen, h_RHN, y_RDN);
    context->save_for_backward({x, W1, b1, W2, b2, h_RHN});
    context->saved_data["activation"] = activation;
    return y_RDN.transpose(-1, -2);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &h_RHN = saved[5];
    const TwoLayerWeights w{saved[1], saved[2], saved[3], saved[4]};
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    if (torch::GradMode::is_enabled()) {  // a derivative of this derivative is wanted
      const torch::autograd::variable_list inputs{x, w.W1, w.b1, w.W2, w.b2};
      auto d = torch::autograd::grad({two_layer_plain(x, w, activation)}, inputs, {gradients[0]}, true, true, true);
      d.emplace_back();
      return d;
    }
    const Sizes s(x, w.W1);
    const Tensor x_RDN = samples_innermost(x), dy_RDN = samples_innermost(gradients[0]);
    Tensor dx_RDN = torch::empty_like(x_RDN);
    TwoLayerWeights d{torch::zeros_like(w.W1, at::MemoryFormat::Contiguous), torch::zeros_like(w.b1),
                      torch::zeros_like(w.W2, at::MemoryFormat::Contiguous), torch::zeros_like(w.b2)};
    const TwoLayerWeights flat{w.W1.contiguous(), w.b1.contiguous(), w.W2.contiguous(), w.b2.contiguous()};
    x.scalar_type() == torch::kFloat32 ? backward_loops<float>(s, x_RDN, h_RHN, flat, activation, dy_RDN, dx_RDN, d)
                                       : backward_loops<double>(s, x_RDN, h_RHN, flat, activation, dy_RDN, dx_RDN, d);
    return {dx_RDN.transpose(-1, -2), d.W1, d.b1, d.W2, d.b2, {}};
  }
};

}  // namespace

bool two_layer_kernel_fits(const Tensor& x, const TwoLayerWeights& w, Activation activation) {
  const bool from_value =
      activation == Activation::tanh || activation == Activation::sigmoid || activation == Activation::relu;
  const bool numbers = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kFloat64;
  return from_value && numbers && torch::GradMode::is_enabled() && x.device().is_cpu() &&
         w.W1.scalar_type() == x.scalar_type() && x.dim() == w.W1.dim() && w.W1.size(-1) * w.W1.size(-2) <= kLargest &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

Tensor two_layer_kernel(const Tensor& x, const TwoLayerWeights& w, Activation activation) {
  return TwoLayerNode::apply(x, w.W1, w.b1, w.W2, w.b2, static_cast<int64_t>(activation));
}

Tensor two_layer_plain(const Tensor& x, const TwoLayerWeights& w, Activation activation) {
  return affine(activate(activation, affine(x, w.W1, w.b1)), w.W2, w.b2);
}

}  // namespace optdnn::modules
