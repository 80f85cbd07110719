#include "optdnn/modules/group_norm_relu.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "optdnn/kernels/channel_norm.h"
#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/layout.h"
#include "optdnn/modules/channel_loops.h"
#include "optdnn/modules/normalisation.h"

namespace optdnn::modules {

using torch::Tensor;
using torch::autograd::variable_list;

namespace {

Tensor by_operators(const Tensor& x, const GroupNorm& norm) {
  return norm.bounded ? bounded_group_norm(x, norm.groups, norm.weight, norm.bias)
                      : torch::group_norm(x, norm.groups, norm.weight, norm.bias, norm.epsilon);
}

int64_t pixels(const Tensor& x) { return x.size(2) * x.size(3); }

// relu(group norm(x)) of x, weight and bias.
class GroupNormRelu : public kernels::Differentiable {
 public:
  explicit GroupNormRelu(GroupNorm norm)
      : norm_(std::move(norm)), weight_(kernels::numbers_of(norm_.weight)), bias_(kernels::numbers_of(norm_.bias)) {
    if (!norm_.bounded) return;
    for (double& weight : weight_) weight = std::clamp(weight, -1.0, 1.0);
  }

  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    saved = inputs.vec();
    const Tensor& x = inputs[0];
    return {with_type_of(x, [&](auto number) { return run<decltype(number)>(x); })};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor& x = saved[0];
    const Tensor dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    return with_type_of(x, [&](auto number) { return run_backward<decltype(number)>(dy, x); });
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    const variable_list inputs = {saved[0].alias(), saved[1].alias(), saved[2].alias()};
    GroupNorm norm = norm_;
    norm.weight = inputs[1], norm.bias = inputs[2];
    return torch::autograd::grad({torch::relu(by_operators(inputs[0], norm))}, inputs, {gradients[0]}, true, true,
                                 true);
  }

 private:
  struct Group {
    double mean, inverse;  // of the deviation
    double pull;           // inverse^2, or 0 where the deviation is held at 1
  };

  int64_t channels() const { return std::ssize(weight_); }
  int64_t of_group() const { return channels() / norm_.groups; }
  const Group& group(int64_t sample, int64_t channel) const {
    return groups_[sample * norm_.groups + channel / of_group()];
  }

  // The groups of a sample. The variance is that of the channels and between them.
  void take_statistics(int64_t sample, const kernels::ChannelMoments& moments) {
    const auto count = static_cast<double>(of_group());
    for (int64_t g = 0; g < norm_.groups; ++g) {
      const int64_t first = g * of_group(), end = first + of_group();
      double mean = 0.0, variance = 0.0;
      for (int64_t c = first; c < end; ++c) mean += moments.mean[c] / count;
      for (int64_t c = first; c < end; ++c) {
        variance += (moments.variance[c] + (moments.mean[c] - mean) * (moments.mean[c] - mean)) / count;
      }
      const bool held = norm_.bounded && variance < 1.0;
      const double inverse = held ? 1.0 : 1.0 / std::sqrt(variance + (norm_.bounded ? 0.0 : norm_.epsilon));
      groups_[sample * norm_.groups + g] = {mean, inverse, held ? 0.0 : inverse * inverse};
    }
  }

  kernels::ChannelMap map_of(int64_t sample) const {
    kernels::ChannelMap map;
    for (int64_t c = 0; c < channels(); ++c) {
      map.scale.push_back(weight_[c] * group(sample, c).inverse);
      map.shift.push_back(bias_[c] - group(sample, c).mean * map.scale[c]);
    }
    return map;
  }

  template <class Number>
  Tensor run(const Tensor& x) {
    Tensor y = torch::empty_like(x);
    groups_.resize(x.size(0) * norm_.groups);
    const int64_t rows = pixels(x), size = rows * channels();
    const Number* from = x.const_data_ptr<Number>();
    Number* to = y.data_ptr<Number>();
    at::parallel_for(0, x.size(0), 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        take_statistics(b, kernels::channel_moments(from + b * size, rows, channels()));
        kernels::map_relu(from + b * size, map_of(b), to + b * size, rows, channels());
      }
    });
    return y;
  }

  // With dz, what relu lets pass of dy, scale = weight / deviation, and means over a group of a sample:
  // dx = scale dz - mean(scale dz) - (x - mean) / deviation^2 mean(scale dz (x - mean))
  kernels::ChannelSlopes slopes_of(int64_t sample, const kernels::ChannelMap& map, const kernels::ChannelSums& sums,
                                   int64_t rows) const {
    kernels::ChannelSlopes slopes;
    const auto count = static_cast<double>(rows * of_group());
    for (int64_t first = 0; first < channels(); first += of_group()) {
      double dz = 0.0, dz_x = 0.0;
      for (int64_t c = first; c < first + of_group(); ++c) {
        dz += map.scale[c] * sums.dz[c] / count;
        dz_x += map.scale[c] * sums.dz_x[c] / count;
      }
      const auto& [mean, inverse, pull] = group(sample, first);
      const double slope = -pull * dz_x;
      slopes.slope.insert(slopes.slope.end(), of_group(), slope);
      slopes.offset.insert(slopes.offset.end(), of_group(), -dz - slope * mean);
    }
    return slopes;
  }

  template <class Number>
  variable_list run_backward(const Tensor& dy, const Tensor& x) const {
    Tensor dx = torch::empty_like(x);
    // By sample, so that their order does not depend on threads.
    Tensor d_weight = torch::empty({x.size(0), channels()}, torch::kFloat64), d_bias = torch::empty_like(d_weight);
    const int64_t rows = pixels(x), size = rows * channels();
    const Number *gradient = dy.const_data_ptr<Number>(), *from = x.const_data_ptr<Number>();
    Number* to = dx.data_ptr<Number>();
    double *to_weight = d_weight.data_ptr<double>(), *to_bias = d_bias.data_ptr<double>();
    at::parallel_for(0, x.size(0), 1, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        const kernels::ChannelMap map = map_of(b);
        std::vector<double> means;
        for (int64_t c = 0; c < channels(); ++c) means.push_back(group(b, c).mean);
        const auto sums =
            kernels::relu_backward_sums(gradient + b * size, from + b * size, map, means, rows, channels());
        const kernels::ReluBackward<Number> back(map, slopes_of(b, map, sums, rows), channels());
        kernels::map_relu_backward(gradient + b * size, from + b * size, back, to + b * size, rows, channels());
        for (int64_t c = 0; c < channels(); ++c) {
          to_weight[b * channels() + c] = sums.dz_x[c] * group(b, c).inverse;
          to_bias[b * channels() + c] = sums.dz[c];
        }
      }
    });
    Tensor of_weight = d_weight.sum(0).to(x.scalar_type());
    if (norm_.bounded) of_weight = of_weight * norm_.weight.detach().abs().le(1.0);
    return {dx, of_weight, d_bias.sum(0).to(x.scalar_type())};
  }

  GroupNorm norm_;
  std::vector<double> weight_, bias_;
  std::vector<Group> groups_;  // sample by sample
};

}  // namespace

Tensor activated_group_norm(const Tensor& x, const GroupNorm& norm, Activation activation) {
  if (activation != Activation::relu || !group_norm_relu_fits(x, norm)) {
    return activate(activation, by_operators(x, norm));
  }
  return kernels::apply(c10::make_intrusive<GroupNormRelu>(norm), {x, norm.weight, norm.bias}).front();
}

bool group_norm_relu_fits(const Tensor& x, const GroupNorm& norm) {
  return x.dim() == 4 && fits_channel_loops(x, pixels(x)) && norm.weight.defined() &&
         norm.weight.scalar_type() == x.scalar_type();
}

}  // namespace optdnn::modules
