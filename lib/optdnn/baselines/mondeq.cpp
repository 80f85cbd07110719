#include "optdnn/baselines/mondeq.h"

#include <cmath>

#include "optdnn/base/errors.h"
#include "optdnn/baselines/kept_states.h"
#include "optdnn/solvers/packing.h"

namespace optdnn::baselines {

const base::NameTable<Splitting>& enum_names(Splitting) {
  static const base::NameTable<Splitting> table(
      "splittings",
      {
          {"peaceman_rachford", "reflected resolvents, one linear solve by FFT a step", Splitting::peaceman_rachford},
          {"forward_backward", "z <- relu(z - alpha (z - W z - U x - b))", Splitting::forward_backward},
      });
  return table;
}

using torch::Tensor;

namespace {

constexpr int64_t kPool = 4;

Tensor periodic(const Tensor& x) {
  namespace F = torch::nn::functional;
  return F::pad(x, F::PadFuncOptions({1, 1, 1, 1}).mode(torch::kCircular));
}

Tensor convolved(const Tensor& x, const Tensor& kernel) { return torch::conv2d(periodic(x), kernel); }

// The adjoint of `convolved`: the kernel turned by half a circle, inputs and outputs exchanged.
Tensor convolved_back(const Tensor& x, const Tensor& kernel) {
  return convolved(x, kernel.transpose(0, 1).flip({2, 3}));
}

// Of every frequency the matrix that `convolved` multiplies with. Shapes: O x I x 3 x 3 -> frequencies x O x I.
Tensor transformed(const Tensor& kernel, int64_t height, int64_t width) {
  const Tensor reversed = kernel.flip({2, 3});  // a convolution in torch is a correlation
  const Tensor image = torch::constant_pad_nd(reversed, {0, width - 3, 0, height - 3}).roll({-1, -1}, {2, 3});
  return torch::fft_rfft2(image).permute({2, 3, 0, 1}).flatten(0, 1);
}

// What every iteration ends with: relu, and zero in the border of one pixel, so that no edge sees the opposite one.
Tensor bordered_relu(const Tensor& x) {
  const Tensor inside = x.slice(2, 1, x.size(2) - 1).slice(3, 1, x.size(3) - 1);
  return torch::constant_pad_nd(torch::relu(inside), {1, 1, 1, 1});
}

}  // namespace

void MonDeqSpec::check(const NetworkShape& shape) const {
  require_images(kName, shape);
  if (std::min(shape.input[1], shape.input[2]) < 2)
    throw base::ConfigError("model 'mondeq' wants images of at least 2 x 2 pixels");
}

// W, as it is for one pass.
struct MonDeqImpl::Kernels {
  Tensor A, B, g;
  double margin;

  Tensor times_W(const Tensor& z) const {
    return (1.0 - margin) * z - g * convolved_back(convolved(z, A), A) + convolved(z, B) - convolved_back(z, B);
  }

  // V = ((1 + alpha) I - alpha W)^-1 as one matrix per frequency.
  Tensor resolvent(double alpha, int64_t height, int64_t width) const {
    const Tensor a = transformed(A, height, width), b = transformed(B, height, width);
    const Tensor identity = torch::eye(A.size(0), a.options());
    const Tensor W = (1.0 - margin) * identity - g * a.mH().matmul(a) + b - b.mH();
    // Nobody looks at the answer: with g >= 0 the real part is at least 1 + alpha margin, and else the loss shows it.
    return std::get<0>(torch::linalg_inv_ex((1.0 + alpha) * identity - alpha * W));
  }
};

// V has a complex matrix for every frequency: a complex product is four real ones, an FFT of n pixels 2.5 n log2 n.
Count MonDeqSpec::count(const NetworkShape& shape) const {
  const int64_t channels = shape.input[0];
  const modules::Extent at{shape.input[1] + 2, shape.input[2] + 2};  // with the border
  const Count convolution = modules::count_convolution(width, width, 3, at);
  Count step{0, 4 * convolution.multiply_adds, 3 * width * at.positions()};
  if (splitting == Splitting::peaceman_rachford) {
    const auto pixels = static_cast<double>(at.positions());
    const int64_t fft = std::llround(2.5 * static_cast<double>(width) * pixels * std::log2(pixels));
    step.multiply_adds = 4 * at.height * (at.width / 2 + 1) * width * width + 2 * fft;
  }
  Count count = modules::count_convolution(channels, width, 3, at, /*with_bias=*/true) + models::solved(step, solver);
  count.parameters += 2 * convolution.parameters + 2;  // A and B, g and h
  const auto pooled = [](int64_t size_px) { return std::max<int64_t>(1, (size_px + 2) / kPool); };
  return count + modules::count_affine(width * pooled(shape.input[1]) * pooled(shape.input[2]), shape.outputs);
}

models::Network MonDeqSpec::make(const NetworkShape& shape) const {
  return {torch::nn::AnyModule(MonDeq(*this, shape)), nullptr};
}

MonDeqImpl::MonDeqImpl(const MonDeqSpec& spec, const NetworkShape& shape) : spec_(spec), solver_(spec.solver) {
  spec.check(shape);
  const auto uniform = [&](const char* name, std::vector<int64_t> sizes, int64_t inputs) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));  // as torch's convolutions
    return register_parameter(name, torch::empty(sizes).uniform_(-bound, bound));
  };
  const int64_t width = spec.width, channels = shape.input[0];
  A_ = uniform("A", {width, width, 3, 3}, 9 * width);
  B_ = uniform("B", {width, width, 3, 3}, 9 * width);
  g_ = register_parameter("g", torch::ones({}));
  h_ = register_parameter("h", torch::ones({}));
  U_ = uniform("U", {width, channels, 3, 3}, 9 * channels);
  bias_ = uniform("bias", {width}, 9 * channels);
  const auto pooled = [](int64_t size_px) { return std::max<int64_t>(1, (size_px + 2) / kPool); };
  linear_ = register_module("linear",
                            modules::Affine(width * pooled(shape.input[1]) * pooled(shape.input[2]), shape.outputs));
  register_module("solver", solver_);
}

MonDeqImpl::Kernels MonDeqImpl::kernels() const { return {A_ / A_.norm(), h_ * B_ / B_.norm(), g_, spec_.margin}; }

Tensor MonDeqImpl::times_W(const Tensor& z) { return kernels().times_W(z); }

Tensor MonDeqImpl::injection(const Tensor& images_BCHW) {
  const Tensor bordered = torch::constant_pad_nd(images_BCHW, {1, 1, 1, 1});
  return convolved(bordered, U_) + bias_.view({-1, 1, 1});
}

Tensor MonDeqImpl::equilibrium(const Tensor& images_BCHW) {
  const Kernels W = kernels();
  const Tensor x = spec_.alpha * injection(images_BCHW);
  const solvers::Packing packing({x});
  const double alpha = spec_.alpha;
  if (spec_.splitting == Splitting::forward_backward) {
    const auto F = [&](const Tensor& rows) {
      const Tensor z = packing.unpack(rows)[0];
      return packing.pack({bordered_relu((1.0 - alpha) * z + alpha * W.times_W(z) + x)});
    };
    return packing.unpack(solver_->solve(F, packing.zeros()))[0];
  }
  const int64_t height = x.size(2), width = x.size(3);
  const Tensor V = W.resolvent(alpha, height, width);
  const auto times_V = [&](const Tensor& y) {
    const Tensor spectrum = torch::fft_rfft2(y);  // B x C x H x W/2+1
    const Tensor by_frequency = spectrum.permute({2, 3, 1, 0}).flatten(0, 1);
    const Tensor solved = V.bmm(by_frequency).view({height, spectrum.size(3), y.size(1), y.size(0)});
    return torch::fft_irfft2(solved.permute({3, 2, 0, 1}), std::vector<int64_t>{height, width});
  };
  const auto F = [&](const Tensor& rows) {
    const Tensor w = packing.unpack(rows)[0];
    const Tensor y = 2.0 * bordered_relu(w) - w;
    return packing.pack({2.0 * times_V(y + x) - y});
  };
  return bordered_relu(packing.unpack(solver_->solve(F, packing.zeros()))[0]);
}

Tensor MonDeqImpl::forward(const Tensor& images_BCHW) {
  const Tensor z = equilibrium(images_BCHW);
  keep_state(0, z);
  const int64_t rows = std::min(kPool, z.size(2)), columns = std::min(kPool, z.size(3));
  return linear_->forward(torch::avg_pool2d(z, {rows, columns}).flatten(1));
}

}  // namespace optdnn::baselines
