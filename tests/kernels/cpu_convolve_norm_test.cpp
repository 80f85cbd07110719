// Convolutions that take in the norm and relu of their neighbours on the way: the same as the norm made
// first, in float64, up to rounding; zero around the images, moments that stand a large mean, and equal bits on any
// number of threads.
#include <ATen/Parallel.h>
#include <rapidcheck.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "optdnn/kernels/cpu_convolve.h"
#include "support/catch.h"

namespace optdnn::kernels {
namespace {

using torch::Tensor;

Tensor images(int64_t count, int64_t channels, int64_t height, int64_t width) {
  return torch::randn({count, channels, height, width}).contiguous(at::MemoryFormat::ChannelsLast);
}
Tensor nan_like(const Tensor& x) { return torch::full_like(x, std::numeric_limits<double>::quiet_NaN()); }
const float* read(const Tensor& x) { return x.const_data_ptr<float>(); }
std::vector<double> drawn(int64_t count, double about) {
  const Tensor numbers = torch::randn({count}, torch::kFloat64) + about;
  return {numbers.const_data_ptr<double>(), numbers.const_data_ptr<double>() + count};
}
Tensor beside(const std::vector<double>& per_channel) {
  return torch::tensor(per_channel, torch::kFloat64).view({1, -1, 1, 1});
}
Tensor wide(const Tensor& x) { return x.to(torch::kFloat64); }

// No argument of relu is so near zero that rounding would decide on its sign.
struct NormProblem {
  explicit NormProblem(const ConvolutionShape& s) : shape(s) {
    torch::manual_seed(s.images + 7 * s.height + 31 * s.width + 101 * s.inputs + 1009 * s.outputs);
    x = images(s.images, s.inputs, s.height, s.width);
    dy = images(s.images, s.outputs, s.height, s.width);
    w = torch::randn({s.outputs, s.inputs, 3, 3}) * std::sqrt(2.0 / static_cast<double>(9 * s.inputs));
    norm = {drawn(s.inputs, 0), drawn(s.inputs, 1)};
    mean = drawn(s.inputs, 0);
    for (double& scale : norm.scale) scale += scale < 0 ? -0.5 : 0.5;
    const Tensor scale = beside(norm.scale), z = wide(x) * scale + beside(norm.shift);
    x = (x + z.abs().lt(1e-3) * (4e-3 / scale)).to(torch::kFloat32).contiguous(at::MemoryFormat::ChannelsLast);
  }

  ConvolutionShape shape;
  Tensor x, w, dy;
  ChannelMap norm;
  std::vector<double> mean;
};

struct NormPasses {
  Tensor y, dx, dw, mean, variance, dz, dz_x;
  std::vector<Tensor> all() const { return {y, dx, dw, mean, variance, dz, dz_x}; }
};

NormPasses by_kernels(const NormProblem& p, Way way, Instructions instructions) {
  NormPasses found{nan_like(p.dy), nan_like(p.x), nan_like(p.w), {}, {}, {}, {}};
  const WeightStrides strides = {p.w.stride(0), p.w.stride(1), p.w.stride(2), p.w.stride(3)};
  ChannelMoments moments;
  ChannelSums sums;
  convolve_forward(way, p.shape, read(p.x), read(p.w), strides, found.y.data_ptr<float>(), instructions, &p.norm,
                   &moments);
  convolve_backward_data(way, p.shape, read(p.dy), read(p.w), strides, found.dx.data_ptr<float>(), instructions,
                         {&p.norm, read(p.x), &p.mean, &sums});
  convolve_backward_weights(way, p.shape, read(p.x), read(p.dy), found.dw.data_ptr<float>(), strides, instructions,
                            &p.norm);
  const auto tensor = [](const std::vector<double>& numbers) { return torch::tensor(numbers, torch::kFloat64); };
  found.mean = tensor(moments.mean), found.variance = tensor(moments.variance);
  found.dz = tensor(sums.dz), found.dz_x = tensor(sums.dz_x);
  return found;
}

NormPasses in_float64(const NormProblem& p) {
  const Tensor x = wide(p.x), z = x * beside(p.norm.scale) + beside(p.norm.shift), w = wide(p.w), dy = wide(p.dy);
  const auto [dx, dw, none] = at::convolution_backward(dy, z.relu(), w, std::nullopt, {1, 1}, {1, 1}, {1, 1}, false,
                                                       {0, 0}, 1, {true, true, false});
  const Tensor y = torch::conv2d(z.relu(), w, {}, 1, 1), dz = dx * (z > 0);
  return {y,
          dz,
          dw,
          y.mean({0, 2, 3}),
          y.var({0, 2, 3}, false),
          dz.sum({0, 2, 3}),
          (dz * (x - beside(p.mean))).sum({0, 2, 3})};
}

// What is wrong: an error larger than so much of what is summed.
std::string inaccuracy(const NormProblem& p, Way way, Instructions instructions) {
  constexpr const char* kNames[] = {"y", "dx", "dw", "mean", "variance", "sums of dz", "sums of dz x"};
  const NormPasses truth = in_float64(p);
  const auto found = by_kernels(p, way, instructions).all();
  const double pixels = static_cast<double>(p.shape.images * p.shape.height * p.shape.width);
  const auto rms = [](const Tensor& t) { return t.square().mean().sqrt().item<double>(); };
  const double of_y = rms(truth.y), of_dx = 1 + rms(truth.dx);
  const double sizes[] = {1 + of_y,        of_dx,          4 * std::sqrt(pixels), 1 + of_y,
                          1 + of_y * of_y, pixels * of_dx, 4 * pixels * of_dx};
  for (size_t i = 0; i < found.size(); ++i) {
    const double error = rms(wide(found[i]) - truth.all()[i]);
    if (error <= 4e-6 * sizes[i]) continue;
    std::ostringstream text;
    text << kNames[i] << ", " << name_of(way) << ", " << name_of(instructions) << ": error " << error << ", size "
         << sizes[i];
    return text.str();
  }
  return "";
}

// Tails of channels, rows, columns and units; images smaller than a tile; many units.
const std::vector<ConvolutionShape> kNormShapes = {
    {1, 1, 1, 1, 1},      {3, 9, 7, 15, 17},   {2, 8, 8, 160, 40}, {5, 11, 13, 48, 12},
    {2, 5, 6, 8, 8},      {130, 4, 4, 16, 16}, {16, 8, 8, 64, 64}, {2, 33, 1, 65, 100},
    {32, 16, 16, 32, 32}, {9, 32, 32, 5, 5},   {3, 13, 14, 7, 7},  {2, 7, 5, 1, 1},
};

}  // namespace

TEST_CASE("convolutions of relu(norm(x)) equal those of float64, and so do the sums taken on the way") {
  for (const ConvolutionShape& shape : kNormShapes) {
    CAPTURE(shape.images, shape.height, shape.width, shape.inputs, shape.outputs);
    for (const Instructions instructions : instructions_here()) {
      for (const Way way : cpu_ways(shape)) CHECK(inaccuracy(NormProblem(shape), way, instructions) == "");
    }
  }
}

TEST_CASE("with norms too, for shapes nobody chose") {
  CHECK(rc::check("equal to float64 for random shapes", [] {
    ConvolutionShape shape = {*rc::gen::inRange<int64_t>(1, 9), *rc::gen::inRange<int64_t>(1, 20),
                              *rc::gen::inRange<int64_t>(1, 20), *rc::gen::inRange<int64_t>(1, 70),
                              *rc::gen::inRange<int64_t>(1, 70)};
    if (*rc::gen::arbitrary<bool>()) shape.inputs = shape.outputs = *rc::gen::inRange<int64_t>(1, 20);
    const NormProblem problem(shape);
    for (const Instructions instructions : instructions_here()) {
      for (const Way way : cpu_ways(shape)) RC_ASSERT(inaccuracy(problem, way, instructions) == "");
    }
  }));
}

TEST_CASE("with norms too, one, two and three threads give the same bits, and so does the next call") {
  const int threads = at::get_num_threads();
  for (const ConvolutionShape& shape : kNormShapes) {
    CAPTURE(shape.images, shape.height, shape.width, shape.inputs, shape.outputs);
    const NormProblem p(shape);
    for (const Instructions instructions : instructions_here()) {
      for (const Way way : cpu_ways(shape)) {
        at::set_num_threads(1);
        const auto alone = by_kernels(p, way, instructions).all();
        for (const int count : {1, 2, 3}) {
          at::set_num_threads(count);
          const auto shared = by_kernels(p, way, instructions).all();
          for (size_t i = 0; i < alone.size(); ++i) CHECK(torch::equal(shared[i], alone[i]));
        }
      }
    }
  }
  at::set_num_threads(threads);
}

// Weights of one in the middle: the outputs are the inputs.
TEST_CASE("moments taken on the way keep their digits under a mean that is a thousand deviations") {
  if (instructions_here().empty()) return;
  for (const Way way : {Way::tile_2, Way::rows}) {
    const int64_t C = way == Way::rows ? 5 : 16;
    const Tensor x = (images(16, C, 12, 12) + 1000).contiguous(at::MemoryFormat::ChannelsLast);
    Tensor w = torch::zeros({C, C, 3, 3}), y = torch::empty_like(x);
    for (int64_t c = 0; c < C; ++c) w[c][c][1][1] = 1;
    ChannelMoments moments;
    convolve_forward(way, {16, 12, 12, C, C}, read(x), read(w), {9 * C, 9, 3, 1}, y.data_ptr<float>(),
                     best_instructions(), nullptr, &moments);
    const Tensor exact = wide(y).var({0, 2, 3}, false);
    for (int64_t c = 0; c < C; ++c) CHECK(moments.variance[c] == Approx(exact[c].item<double>()).epsilon(1e-5));
  }
}

TEST_CASE("a NaN stays one in relu(norm(x)), and its moments are NaN") {
  if (instructions_here().empty()) return;
  for (const Way way : {Way::tile_4, Way::rows}) {
    NormProblem p({1, 16, 16, 16, 16});
    p.x[0][2][5][6] = std::numeric_limits<float>::quiet_NaN();
    const NormPasses found = by_kernels(p, way, best_instructions());
    CHECK(found.y[0].slice(1, 4, 7).slice(2, 5, 8).isnan().all().item<bool>());
    CHECK(found.variance.isnan().all().item<bool>());
  }
}

}  // namespace optdnn::kernels
