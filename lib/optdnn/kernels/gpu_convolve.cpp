#include "optdnn/kernels/gpu_convolve.h"

#include <algorithm>
#include <array>
#include <limits>

#include "optdnn/base/text.h"
#include "optdnn/kernels/differentiable.h"
#include "optdnn/kernels/gpu/convolve.h"
#include "optdnn/kernels/launcher.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::kernels {

using base::concat;
using torch::Tensor;

namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr int64_t kFewChannels = 64;
constexpr int kMostMade = 32;                 // outputs that a block makes
constexpr int kMostBlocks = 8;                // of a processor
constexpr int kProcessorsMemory = 128 << 10;  // shared, bytes
// With norms threads have more to keep in registers, so that blocks are smaller where their inputs are many, and fewer.
constexpr int kManyInputs = 40, kMostMadeOfMany = 16;
constexpr int kMostNormedBlocks = 4, kMostSmallNormedBlocks = 6, kSmall = 16;  // inputs and outputs of a small one
constexpr int kNormedMemory = 176 << 10;
constexpr int kManyTiles = 8;                  // of a processor, so that its blocks are two
constexpr std::array kInputsOfPart = {16, 8};  // whose weights' gradient a block sums
constexpr int kFloatsOfChunk = 4, kChunkBytes = 16;

const float* floats(const Tensor& x) { return x.const_data_ptr<float>(); }

gpu::ChannelNorm channel_norm(const NormToMake* norm) {
  if (!norm) return {};
  const float* mean = floats(norm->statistics_2C);
  return {floats(norm->weight), floats(norm->bias), mean, mean + norm->statistics_2C.size(1)};
}

gpu::Partial partial(const Tensor& left) {
  if (!left.defined()) return {};
  return {left.data_ptr<float>(), static_cast<int>(left.size(2)), static_cast<int>(left.size(1))};
}

// How a layer of this shape is shared out, by kernels that take norms along or by those that do not.
class Plan {
 public:
  Plan(Launcher& launcher, const Tensor& x, const Tensor& weight, bool normed)
      : launcher_(launcher),
        type_(kernel_type(x.scalar_type())),
        images_(static_cast<int>(x.size(0))),
        height_(static_cast<int>(x.size(2))),
        width_(static_cast<int>(x.size(3))),
        inputs_(static_cast<int>(weight.size(1))),
        outputs_(static_cast<int>(weight.size(0))),
        normed_(normed),
        inputs_of_part_(*std::ranges::find_if(kInputsOfPart, [&](int part) { return inputs_ % part == 0; })) {}

  bool has_kernels() const {
    return launcher_.shared_bytes() >= kChunkBytes * most_chunks() && launcher_.has(convolve_name(false)) &&
           launcher_.has(convolve_name(true)) && launcher_.has(weights_name()) && launcher_.has(add_name());
  }

  // y from x, perhaps the stand-in of a norm. `left`: see gpu_convolve.
  void forward(const Tensor& x, const Tensor& weight, const Tensor& y, const NormToMake* norm, Tensor* left) const {
    convolve(x, weight, y, false, norm, {}, left);
  }

  // The gradient of x from that of y; with a norm that of the stand-in x, and what is left of it for the norm.
  void data(const Tensor& dy, const Tensor& weight, const Tensor& dx, const NormToMake* norm, const Tensor& x,
            Tensor* left) const {
    convolve(dy, weight, dx, true, norm, x, left);
  }

  // The gradient of the weights; and, where there is something left, the norm's own.
  void weights(const Tensor& x, const Tensor& dy, const Tensor& d_weight, NormToMake* norm, const Tensor& left) const {
    const int parts = inputs_ / inputs_of_part_, chunks = weights_chunks();
    const int of_processor = tiles() * parts >= kManyTiles * launcher_.processors() ? 2 : 1;
    const Grid grid = this->grid(of_processor, parts, chunks);
    const int of_part = outputs_ * gpu::kTaps * inputs_of_part_;
    const Tensor room = torch::empty({parts, grid.blocks, of_part}, x.options().dtype(torch::kFloat32));
    gpu::ConvolveWeights arguments{x.const_data_ptr(),
                                   dy.const_data_ptr(),
                                   room.data_ptr<float>(),
                                   d_weight.data_ptr(),
                                   images_,
                                   height_,
                                   width_,
                                   inputs_,
                                   outputs_,
                                   grid.blocks,
                                   channel_norm(norm),
                                   partial(left),
                                   nullptr,
                                   nullptr};
    launcher_.launch(weights_name(), grid, arguments);
    int blocks = gpu::divided_up(of_part, gpu::kAddedByBlock);
    if (left.defined()) {
      norm->d_weight = torch::empty_like(norm->weight);
      norm->d_bias = torch::empty_like(norm->bias);
      arguments.d_norm_weight = norm->d_weight.data_ptr<float>();
      arguments.d_norm_bias = norm->d_bias.data_ptr<float>();
      blocks += gpu::divided_up(inputs_, gpu::kGatheredChannels);
    }
    launcher_.launch(add_name(), {blocks, parts, gpu::kAddThreads, 2 * gpu::kAddThreads}, arguments);
  }

 private:
  void convolve(const Tensor& from, const Tensor& weight, const Tensor& to, bool gradient, const NormToMake* norm,
                const Tensor& input, Tensor* left) const {
    const int chunks = convolve_chunks(gradient), made_by_block = this->made_by_block(gradient);
    const int parts = made(gradient) / made_by_block;
    const Grid grid = this->grid(blocks_of_processor(gradient, chunks), parts, chunks);
    if (left) {
      *left = torch::empty({parts, grid.blocks, made_by_block, gpu::kPartialNumbers},
                           from.options().dtype(torch::kFloat32).requires_grad(false));
    }
    const gpu::Convolve arguments{from.const_data_ptr(),
                                  weight.const_data_ptr(),
                                  to.data_ptr(),
                                  images_,
                                  height_,
                                  width_,
                                  inputs_,
                                  outputs_,
                                  channel_norm(norm),
                                  input.defined() ? input.const_data_ptr() : nullptr,
                                  left ? partial(*left) : gpu::Partial{}};
    launcher_.launch(convolve_name(gradient), grid, arguments);
  }

  int contracted(bool gradient) const { return gradient ? outputs_ : inputs_; }
  int made(bool gradient) const { return gradient ? inputs_ : outputs_; }
  // The most that divides them.
  int made_by_block(bool gradient) const {
    int part = std::min(made(gradient), normed_ && contracted(gradient) > kManyInputs ? kMostMadeOfMany : kMostMade);
    while (made(gradient) % part != 0) part -= gpu::kChunk;
    return part;
  }
  int convolve_chunks(bool gradient) const {
    return gpu::convolve_chunks(contracted(gradient), made_by_block(gradient), gradient, normed_);
  }
  int weights_chunks() const { return gpu::weights_chunks(inputs_of_part_, outputs_, normed_); }
  int most_chunks() const { return std::max({convolve_chunks(false), convolve_chunks(true), weights_chunks()}); }
  int blocks_of_processor(bool gradient, int chunks) const {
    const bool small = contracted(gradient) <= kSmall && made_by_block(gradient) <= kSmall;
    const int most = !normed_ ? kMostBlocks : small ? kMostSmallNormedBlocks : kMostNormedBlocks;
    return std::clamp((normed_ ? kNormedMemory : kProcessorsMemory) / (kChunkBytes * chunks), 1, most);
  }

  std::string convolve_name(bool gradient) const {
    return concat("convolve<", type_, ", ", contracted(gradient), ", ", made_by_block(gradient), ", ",
                  gradient ? "true" : "false", normed_ ? ", true>" : ", false>");
  }
  std::string weights_name() const {
    return concat("convolve_weights<", type_, ", ", inputs_of_part_, ", ", outputs_, normed_ ? ", true>" : ", false>");
  }
  std::string add_name() const { return concat("add_weights<", type_, ", ", inputs_of_part_, ">"); }

  int tiles() const { return gpu::tiles_of(images_, height_, width_); }
  Grid grid(int of_processor, int parts, int chunks) const {
    const int blocks = std::clamp(of_processor * launcher_.processors() / parts, 1, tiles());
    return {blocks, parts, gpu::kConvolveThreads, kFloatsOfChunk * chunks};
  }

  Launcher& launcher_;
  std::string_view type_;
  int images_, height_, width_, inputs_, outputs_;
  bool normed_;
  int inputs_of_part_;
};

class GpuConvolution : public Differentiable {
 public:
  GpuConvolution(c10::intrusive_ptr<NormToMake> norm, bool leaves) : norm_(std::move(norm)), leaves_(leaves) {}

  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    const Tensor &x = inputs[0], &weight = inputs[1];
    Tensor y =
        torch::empty({x.size(0), weight.size(0), x.size(2), x.size(3)}, x.options().memory_format(kChannelsLast));
    Plan(*launcher(x.device()), x, weight, norm_ || leaves_)
        .forward(x, weight, y, norm_.get(), leaves_ ? &left_ : nullptr);
    saved = inputs.vec();
    return {y};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor &x = saved[0], &weight = saved[1], dy = gradients[0].contiguous(kChannelsLast);
    const Plan plan(*launcher(x.device()), x, weight, norm_ != nullptr);
    const bool alone = norm_ && norm_->readers == 1;
    Tensor dx, dw = torch::empty_like(weight), left;
    if (x.requires_grad()) {
      dx = torch::empty_like(x);
      plan.data(dy, weight, dx, alone ? norm_.get() : nullptr, x, alone ? &left : nullptr);
    }
    plan.weights(x, dy, dw, norm_.get(), left);
    return {dx, dw};
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor x = norm_ ? norm_->relu_of(saved[0]) : saved[0];
    const auto [dx, dw, none] = at::convolution_backward(gradients[0], x, saved[1], std::nullopt, {1, 1}, {1, 1},
                                                         {1, 1}, false, {0, 0}, 1, {true, true, false});
    return {dx, dw};
  }

  Tensor take_left() { return std::move(left_); }

 private:
  c10::intrusive_ptr<NormToMake> norm_;
  bool leaves_;
  Tensor left_;
};

bool is_taken(const Tensor& x) {
  return x.dim() == 4 && x.is_contiguous(kChannelsLast) && x.numel() > 0 && is_aligned(x, kChunkBytes) &&
         x.numel() < std::numeric_limits<int>::max();
}
bool are_few(int64_t channels) { return channels % gpu::kChunk == 0 && channels <= kFewChannels; }

}  // namespace

bool gpu_convolve_fits(const Tensor& x, const Tensor& weight, int64_t stride, bool normed) {
  if (x.device().is_cpu() || stride != 1 || x.scalar_type() != weight.scalar_type()) return false;
  if (x.element_size() != 2 || kernel_type(x.scalar_type()).empty() || !is_taken(x) || !is_taken(weight)) return false;
  if (weight.size(2) != 3 || weight.size(3) != 3 || weight.size(1) != x.size(1)) return false;
  if (!are_few(weight.size(0)) || !are_few(weight.size(1))) return false;
  Launcher* launcher = kernels::launcher(x.device());
  if (!launcher || launcher->threads() < gpu::kConvolveThreads) return false;
  return Plan(*launcher, x, weight, false).has_kernels() && (!normed || Plan(*launcher, x, weight, true).has_kernels());
}

Tensor gpu_convolve(const Tensor& x, const Tensor& weight, const c10::intrusive_ptr<NormToMake>& norm, Tensor* left) {
  const auto node = c10::make_intrusive<GpuConvolution>(norm, left != nullptr);
  const Tensor y = apply(node, {x, weight}).front();
  if (left) *left = node->take_left();
  return y;
}

}  // namespace optdnn::kernels
