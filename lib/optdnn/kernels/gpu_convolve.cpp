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
constexpr int kMostMade = 32;                  // outputs that a block makes
constexpr int kMostBlocks = 8;                 // of a processor
constexpr int kProcessorsMemory = 128 << 10;   // shared, bytes
constexpr int kManyTiles = 8;                  // of a processor, so that its blocks are two
constexpr std::array kInputsOfPart = {16, 8};  // whose weights' gradient a block sums
constexpr int kFloatsOfChunk = 4, kChunkBytes = 16;

// How a layer of this shape is shared out.
class Plan {
 public:
  Plan(Launcher& launcher, const Tensor& x, const Tensor& weight)
      : launcher_(launcher),
        type_(kernel_type(x.scalar_type())),
        images_(static_cast<int>(x.size(0))),
        height_(static_cast<int>(x.size(2))),
        width_(static_cast<int>(x.size(3))),
        inputs_(static_cast<int>(weight.size(1))),
        outputs_(static_cast<int>(weight.size(0))),
        inputs_of_part_(*std::ranges::find_if(kInputsOfPart, [&](int part) { return inputs_ % part == 0; })) {}

  bool has_kernels() const {
    return launcher_.shared_bytes() >= kChunkBytes * most_chunks() && launcher_.has(convolve_name(false)) &&
           launcher_.has(convolve_name(true)) && launcher_.has(weights_name()) && launcher_.has(add_name());
  }

  // y from x, or the gradient of x from that of y.
  void convolve(const Tensor& from, const Tensor& weight, const Tensor& to, bool gradient) const {
    gpu::Convolve arguments{
        from.const_data_ptr(), weight.const_data_ptr(), to.data_ptr(), images_, height_, width_, inputs_, outputs_};
    const int chunks = convolve_chunks(gradient), parts = made(gradient) / made_by_block(gradient);
    const int of_processor = std::clamp(kProcessorsMemory / (kChunkBytes * chunks), 1, kMostBlocks);
    launcher_.launch(convolve_name(gradient), grid(of_processor, parts, chunks), arguments);
  }

  void weights(const Tensor& x, const Tensor& dy, const Tensor& d_weight) const {
    const int parts = inputs_ / inputs_of_part_, chunks = gpu::weights_chunks(inputs_of_part_, outputs_);
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
                                   grid.blocks};
    launcher_.launch(weights_name(), grid, arguments);
    launcher_.launch(add_name(),
                     {gpu::divided_up(of_part, gpu::kAddedByBlock), parts, gpu::kAddThreads, gpu::kAddThreads},
                     arguments);
  }

 private:
  int contracted(bool gradient) const { return gradient ? outputs_ : inputs_; }
  int made(bool gradient) const { return gradient ? inputs_ : outputs_; }
  // The most that divides them.
  int made_by_block(bool gradient) const {
    int part = std::min(made(gradient), kMostMade);
    while (made(gradient) % part != 0) part -= gpu::kChunk;
    return part;
  }
  int convolve_chunks(bool gradient) const {
    return gpu::convolve_chunks(contracted(gradient), made_by_block(gradient), gradient);
  }
  int most_chunks() const {
    return std::max({convolve_chunks(false), convolve_chunks(true), gpu::weights_chunks(inputs_of_part_, outputs_)});
  }

  std::string convolve_name(bool gradient) const {
    return concat("convolve<", type_, ", ", contracted(gradient), ", ", made_by_block(gradient), ", ",
                  gradient ? "true" : "false", ">");
  }
  std::string weights_name() const {
    return concat("convolve_weights<", type_, ", ", inputs_of_part_, ", ", outputs_, ">");
  }
  std::string add_name() const { return concat("add_weights<", type_, ", ", inputs_of_part_, ">"); }

  int tiles() const { return gpu::tiles_of(images_, height_, width_); }
  Grid grid(int of_processor, int parts, int chunks) const {
    const int blocks = std::clamp(of_processor * launcher_.processors() / parts, 1, tiles());
    return {blocks, parts, gpu::kConvolveThreads, kFloatsOfChunk * chunks};
  }

  Launcher& launcher_;
  std::string_view type_;
  int images_, height_, width_, inputs_, outputs_, inputs_of_part_;
};

struct GpuConvolution : Differentiable {
  variable_list forward(at::TensorList inputs, variable_list& saved) override {
    const Tensor &x = inputs[0], &weight = inputs[1];
    Tensor y =
        torch::empty({x.size(0), weight.size(0), x.size(2), x.size(3)}, x.options().memory_format(kChannelsLast));
    Plan(*launcher(x.device()), x, weight).convolve(x, weight, y, false);
    saved = inputs.vec();
    return {y};
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const Tensor &x = saved[0], &weight = saved[1], dy = gradients[0].contiguous(kChannelsLast);
    const Plan plan(*launcher(x.device()), x, weight);
    Tensor dx, dw = torch::empty_like(weight);
    if (x.requires_grad()) {
      dx = torch::empty_like(x);
      plan.convolve(dy, weight, dx, true);
    }
    plan.weights(x, dy, dw);
    return {dx, dw};
  }

  variable_list differentiable_backward(const variable_list& saved, variable_list gradients) const override {
    const auto [dx, dw, none] = at::convolution_backward(gradients[0], saved[0], saved[1], std::nullopt, {1, 1}, {1, 1},
                                                         {1, 1}, false, {0, 0}, 1, {true, true, false});
    return {dx, dw};
  }
};

bool is_taken(const Tensor& x) {
  return x.dim() == 4 && x.is_contiguous(kChannelsLast) && x.numel() > 0 && is_aligned(x, kChunkBytes) &&
         x.numel() < std::numeric_limits<int>::max();
}
bool are_few(int64_t channels) { return channels % gpu::kChunk == 0 && channels <= kFewChannels; }

}  // namespace

bool gpu_convolve_fits(const Tensor& x, const Tensor& weight, int64_t stride) {
  if (x.device().is_cpu() || stride != 1 || x.scalar_type() != weight.scalar_type()) return false;
  if (x.element_size() != 2 || kernel_type(x.scalar_type()).empty() || !is_taken(x) || !is_taken(weight)) return false;
  if (weight.size(2) != 3 || weight.size(3) != 3 || weight.size(1) != x.size(1)) return false;
  if (!are_few(weight.size(0)) || !are_few(weight.size(1))) return false;
  Launcher* launcher = kernels::launcher(x.device());
  return launcher && launcher->threads() >= gpu::kConvolveThreads && Plan(*launcher, x, weight).has_kernels();
}

Tensor gpu_convolve(const Tensor& x, const Tensor& weight) {
  return apply(c10::make_intrusive<GpuConvolution>(), {x, weight}).front();
}

}  // namespace optdnn::kernels
