#include "optdnn/modules/synchronised_norm.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/kernels/differentiable.h"
#include "optdnn/modules/layers.h"

namespace optdnn::modules {

using torch::Tensor;
using torch::autograd::variable_list;

namespace {

// C x 1 x 1 beside B x C x H x W.
Tensor beside(const Tensor& per_channel, const Tensor& x) {
  std::vector<int64_t> sizes(x.dim() - 1, 1);
  sizes.front() = -1;
  return per_channel.view(sizes);
}

std::vector<int64_t> all_but_channels(const Tensor& x) {
  std::vector<int64_t> dimensions = {0};
  for (int64_t d = 2; d < x.dim(); ++d) dimensions.push_back(d);
  return dimensions;
}

Tensor sum_of(const Tensor& x) { return x.sum(all_but_channels(x), false, torch::kFloat64); }

// 16-bit numbers are normalised in 32 bits.
Tensor wide_enough(const Tensor& x) { return x.scalar_type() == torch::kFloat64 ? x : x.to(torch::kFloat32); }

class SynchronisedNorm : public kernels::Differentiable {
 public:
  SynchronisedNorm(BatchNorm norm, const world::World& world) : norm_(std::move(norm)), world_(world) {}

  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    const Tensor x = wide_enough(inputs[0]);
    const int64_t C = x.size(1), rows = x.numel() / C;
    const Tensor own_mean = sum_of(x) / static_cast<double>(rows);
    const Tensor own_squares = sum_of((x - beside(own_mean, x).to(x.scalar_type())).square());
    const Tensor own_rows = torch::full({1}, static_cast<double>(rows), own_mean.options());
    const Tensor own = torch::cat({own_rows, own_mean, own_squares});
    counts_ = world_.counts();
    const Tensor all = world_.rows(counts_ ? own : torch::zeros_like(own));
    const Tensor rows_R1 = all.narrow(1, 0, 1), means_RC = all.narrow(1, 1, C), squares_RC = all.narrow(1, 1 + C, C);
    rows_ = rows_R1.sum();
    const Tensor mean = (rows_R1 * means_RC).sum(0) / rows_;
    const Tensor squares = (squares_RC + rows_R1 * (means_RC - mean).square()).sum(0);
    const Tensor inverse = (squares / rows_ + norm_.epsilon).rsqrt();
    remember(mean, squares / (rows_ - 1));
    saved = {inputs[0], inputs[1], mean, inverse};
    const Tensor scale = inputs[1] * inverse, shift = inputs[2] - mean * scale;
    return {
        (x * beside(scale, x).to(x.scalar_type()) + beside(shift, x).to(x.scalar_type())).to(inputs[0].scalar_type())};
  }

  // dx = scale (dy - mean of dy - (x - mean) inverse^2 mean of dy (x - mean))
  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor x = wide_enough(saved[0]), dy = wide_enough(gradients[0]);
    const Tensor &weight = saved[1], &mean = saved[2], &inverse = saved[3];
    const auto type = x.scalar_type();
    const Tensor centred = x - beside(mean, x).to(type);
    const Tensor own = torch::cat({sum_of(dy), sum_of(dy * centred)});
    Tensor all = own.clone();
    world_.sum({all});
    const int64_t C = x.size(1);
    const Tensor of_dy = all.narrow(0, 0, C) / rows_, of_product = all.narrow(0, C, C) / rows_;
    if (!counts_) return {torch::zeros_like(saved[0]), torch::zeros_like(weight), torch::zeros_like(weight)};
    const Tensor dx = beside(weight * inverse, x).to(type) *
                      (dy - beside(of_dy, x).to(type) - centred * beside(of_product * inverse.square(), x).to(type));
    return {dx.to(saved[0].scalar_type()), (own.narrow(0, C, C) * inverse).to(weight.scalar_type()),
            own.narrow(0, 0, C).to(weight.scalar_type())};
  }

  variable_list differentiable_backward(const variable_list&, variable_list) const override {
    throw std::logic_error("a batch norm of several processes has no second derivative");
  }

 private:
  // As LibTorch's operator does, without a new version of the buffer, which other nodes may have saved.
  void remember(const Tensor& mean, const Tensor& unbiased) {
    Tensor running_mean = norm_.running_mean.data(), running_var = norm_.running_var.data();
    running_mean.lerp_(mean.to(running_mean.scalar_type()), norm_.momentum);
    running_var.lerp_(unbiased.to(running_var.scalar_type()), norm_.momentum);
  }

  BatchNorm norm_;
  const world::World& world_;
  Tensor rows_;  // of the whole batch, float64
  bool counts_ = true;
};

}  // namespace

Tensor synchronised_norm(const Tensor& x, const BatchNorm& norm, const world::World& world) {
  return kernels::apply(c10::make_intrusive<SynchronisedNorm>(norm, world), {x, norm.weight, norm.bias}).front();
}

void synchronise(torch::nn::Module& network, const world::World& world) {
  for (const auto& module : network.modules()) {
    if (auto* norm = module->as<NormImpl>()) norm->world = &world;
  }
}

}  // namespace optdnn::modules
