// Convolutions by tiles and by rows: as close to float64 as LibTorch's up to a small factor, transposes of each
// other, the same bits on any number of threads, for random shapes with tails and odd sizes.
#include "optdnn/kernels/cpu_convolve.h"

#include <ATen/Parallel.h>
#include <rapidcheck.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "support/catch.h"

namespace optdnn::kernels {
namespace {

using torch::Tensor;

WeightStrides strides_of(const Tensor& w) { return {w.stride(0), w.stride(1), w.stride(2), w.stride(3)}; }

Tensor channels_last(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

// A convolution to be done, with He-normal weights, so that all numbers are of order one.
struct Problem {
  Problem(const ConvolutionShape& s, bool weights_channels_last, bool positive = false) : shape(s) {
    torch::manual_seed(s.images + 7 * s.height + 31 * s.width + 101 * s.inputs + 1009 * s.outputs);
    x = channels_last(torch::randn({s.images, s.inputs, s.height, s.width}));
    if (positive) x = x.relu();
    w = torch::randn({s.outputs, s.inputs, 3, 3}) * std::sqrt(2.0 / static_cast<double>(9 * s.inputs));
    if (weights_channels_last) w = channels_last(w);
    dy = channels_last(torch::randn({s.images, s.outputs, s.height, s.width}));
  }

  ConvolutionShape shape;
  Tensor x, w, dy;
};

struct Passes {
  Tensor y, dx, dw;
  std::vector<Tensor> all() const { return {y, dx, dw}; }
};

// By ours, into memory full of NaN.
Passes by_kernels(const Problem& p, Way way, Instructions instructions) {
  const auto unset = [](const Tensor& like) {
    return torch::full_like(like, std::numeric_limits<double>::quiet_NaN());
  };
  Passes found{unset(p.dy), unset(p.x), unset(p.w)};
  const auto *x = p.x.const_data_ptr<float>(), *w = p.w.const_data_ptr<float>(), *dy = p.dy.const_data_ptr<float>();
  convolve_forward(way, p.shape, x, w, strides_of(p.w), found.y.data_ptr<float>(), instructions);
  convolve_backward_data(way, p.shape, dy, w, strides_of(p.w), found.dx.data_ptr<float>(), instructions);
  convolve_backward_weights(way, p.shape, x, dy, found.dw.data_ptr<float>(), strides_of(found.dw), instructions);
  return found;
}

Passes by_libtorch(const Problem& p, torch::Dtype type) {
  const Tensor x = p.x.to(type), w = p.w.to(type), dy = p.dy.to(type);
  const auto [dx, dw, none] =
      at::convolution_backward(dy, x, w, std::nullopt, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1, {true, true, false});
  return {torch::conv2d(x, w, {}, 1, 1), dx, dw};
}

double rms(const Tensor& x) { return x.to(torch::kFloat64).pow(2).mean().sqrt().item<double>(); }

// What is wrong with a pass: its error, root mean square, exceeds four times the direct way's and also `units` in the
// last place of what sums of so many random numbers come to; the direct way's is next to nothing for short sums.
std::string inaccuracy(const Problem& p, Way way, Instructions instructions, double units = 8) {
  const Passes found = by_kernels(p, way, instructions), direct = by_libtorch(p, torch::kFloat32),
               truth = by_libtorch(p, torch::kFloat64);
  const auto size = [](const Tensor& a, const Tensor& b, int64_t summed) {
    return rms(a) * rms(b) * std::sqrt(static_cast<double>(summed));
  };
  const ConvolutionShape& s = p.shape;
  const struct {
    const char* name;
    double size;
  } passes[] = {{"forward", size(p.x, p.w, 9 * s.inputs)},
                {"data", size(p.dy, p.w, 9 * s.outputs)},
                {"weights", size(p.x, p.dy, s.images * s.height * s.width)}};
  for (size_t i = 0; i < 3; ++i) {
    const double error = rms(found.all()[i].to(torch::kFloat64) - truth.all()[i]);
    const double of_direct = rms(direct.all()[i].to(torch::kFloat64) - truth.all()[i]);
    if (error <= std::max(4 * of_direct, units * std::numeric_limits<float>::epsilon() * passes[i].size)) continue;
    std::ostringstream text;
    text << passes[i].name << ", " << name_of(way) << ", " << name_of(instructions) << ": error " << error
         << ", directly " << of_direct << ", size " << passes[i].size;
    return text.str();
  }
  return "";
}

std::string text_of(const ConvolutionShape& s) {
  return std::to_string(s.images) + " images of " + std::to_string(s.height) + "x" + std::to_string(s.width) + ", " +
         std::to_string(s.inputs) + " to " + std::to_string(s.outputs) + " channels";
}

// Tails of channels, rows, columns and blocks; one tile; images smaller than one; several panels of outputs.
const std::vector<ConvolutionShape> kShapes = {
    {1, 1, 1, 1, 1},     {3, 9, 7, 15, 17},   {4, 28, 28, 8, 24},  {8, 32, 32, 3, 16},   {2, 8, 8, 160, 160},
    {5, 11, 13, 48, 12}, {2, 5, 6, 128, 130}, {3, 7, 7, 80, 96},   {1, 2, 3, 4, 5},      {130, 4, 4, 16, 16},
    {16, 8, 8, 64, 64},  {2, 1, 40, 20, 33},  {2, 33, 1, 65, 100}, {32, 16, 16, 32, 32}, {9, 32, 32, 5, 5},
    {40, 16, 16, 3, 3},  {3, 13, 14, 7, 7},   {2, 7, 5, 1, 1},     {5, 1, 9, 6, 6},      {3, 12, 1, 4, 4},
};

}  // namespace

TEST_CASE("every processor that runs the tests on x86-64 with AVX2 has kernels") {
  if (instructions_here().empty()) return;
  CHECK(best_instructions() == instructions_here().front());
  CHECK(instructions_here().back() == Instructions::avx2);
}

TEST_CASE("convolutions and their gradients are as close to float64 as LibTorch's, up to a factor") {
  for (const ConvolutionShape& shape : kShapes) {
    INFO(text_of(shape));
    for (const Instructions instructions : instructions_here()) {
      for (const Way way : cpu_ways(shape)) {
        CHECK(inaccuracy(Problem(shape, shape.height % 2 == 0), way, instructions) == "");
        CHECK(inaccuracy(Problem(shape, shape.height % 2 == 1, /*positive=*/true), way, instructions) == "");
      }
    }
  }
}

TEST_CASE("that holds for shapes nobody chose") {
  CHECK(rc::check("as close as LibTorch's for random shapes", [] {
    ConvolutionShape shape = {*rc::gen::inRange<int64_t>(1, 9), *rc::gen::inRange<int64_t>(1, 20),
                              *rc::gen::inRange<int64_t>(1, 20), *rc::gen::inRange<int64_t>(1, 90),
                              *rc::gen::inRange<int64_t>(1, 90)};
    if (*rc::gen::arbitrary<bool>()) shape.inputs = shape.outputs = *rc::gen::inRange<int64_t>(1, 20);
    const Problem problem(shape, *rc::gen::arbitrary<bool>());
    for (const Instructions instructions : instructions_here()) {
      // Sixteen: of images of a few pixels the mean is over a few numbers.
      for (const Way way : cpu_ways(shape)) RC_ASSERT(inaccuracy(problem, way, instructions, 16) == "");
    }
  }));
}

TEST_CASE("the passes are transposes of one another: <dy, x * w> = <dx, x> = <dw, w>") {
  for (const ConvolutionShape& shape : kShapes) {
    INFO(text_of(shape));
    const Problem p(shape, true);
    const auto product = [](const Tensor& a, const Tensor& b) {
      return (a.to(torch::kFloat64) * b.to(torch::kFloat64)).sum().item<double>();
    };
    for (const Instructions instructions : instructions_here()) {
      for (const Way way : cpu_ways(shape)) {
        const Passes found = by_kernels(p, way, instructions);
        const double of_y = product(p.dy, found.y), of_x = product(found.dx, p.x), of_w = product(found.dw, p.w);
        // Of sums of random signs, whose own size is |dy| |y|.
        const double size = (p.dy.norm() * found.y.norm()).item<double>();
        CHECK(std::abs(of_y - of_x) <= 2e-6 * size);
        CHECK(std::abs(of_y - of_w) <= 2e-6 * size);
      }
    }
  }
}

TEST_CASE("one, two and three threads give the same bits") {
  const int threads = at::get_num_threads();
  for (const ConvolutionShape& shape : kShapes) {
    INFO(text_of(shape));
    const Problem p(shape, true);
    for (const Instructions instructions : instructions_here()) {
      for (const Way way : cpu_ways(shape)) {
        at::set_num_threads(1);
        const Passes alone = by_kernels(p, way, instructions);
        for (const int count : {2, 3}) {
          at::set_num_threads(count);
          const Passes shared = by_kernels(p, way, instructions);
          for (size_t i = 0; i < 3; ++i) CHECK(torch::equal(shared.all()[i], alone.all()[i]));
        }
      }
    }
  }
  at::set_num_threads(threads);
}

TEST_CASE("what a workspace held before changes nothing, and its size is bounded") {
  if (instructions_here().empty()) return;
  const Problem odd({3, 9, 7, 15, 17}, true), other({2, 8, 8, 33, 40}, true);
  const Passes first = by_kernels(odd, Way::tile_4, best_instructions());
  Problem poisoned = other;
  poisoned.x = torch::full_like(other.x, std::numeric_limits<double>::infinity());
  by_kernels(poisoned, Way::tile_4, best_instructions());
  const Passes second = by_kernels(odd, Way::tile_4, best_instructions());
  for (size_t i = 0; i < 3; ++i) CHECK(torch::equal(first.all()[i], second.all()[i]));

  // U, and per thread a block and the gradient at the points; 32 chunks of gradients.
  const auto mib = [](const ConvolutionShape& shape, int64_t threads) {
    return static_cast<double>(convolve_workspace_bytes(Way::tile_4, shape, threads)) / (1 << 20);
  };
  CHECK(mib({128, 32, 32, 16, 16}, 2) < 1.5);
  CHECK(mib({128, 8, 8, 64, 64}, 2) < 4);
  CHECK(mib({1 << 20, 32, 32, 64, 64}, 2) < 8);
}

TEST_CASE("by rows zeros stay zeros, and an image that is moved keeps its bits") {
  if (instructions_here().empty()) return;
  Problem p({1, 20, 20, 5, 5}, true);
  p.x.zero_().slice(2, 6, 14).slice(3, 6, 14).normal_();
  Problem moved = p;
  moved.x = channels_last(torch::roll(p.x, {1, 2}, {2, 3}));
  for (const Instructions instructions : instructions_here()) {
    const Tensor y = by_kernels(p, Way::rows, instructions).y;
    CHECK(torch::equal(by_kernels(moved, Way::rows, instructions).y, torch::roll(y, {1, 2}, {2, 3})));
    CHECK(y.count_nonzero().item<int64_t>() <= 5 * 10 * 10);
  }
}

TEST_CASE("by rows an Inf reaches the pixels it is read for and one more to either side") {
  if (instructions_here().empty()) return;
  Problem p({1, 16, 16, 4, 4}, true);
  const Passes clean = by_kernels(p, Way::rows, best_instructions());
  p.x[0][2][5][6] = std::numeric_limits<float>::infinity();
  const Tensor same = by_kernels(p, Way::rows, best_instructions()).y.eq(clean.y).all(1)[0];
  CHECK(same.slice(0, 4, 7).slice(1, 5, 8).sum().item<int64_t>() == 0);
  CHECK(same.slice(0, 4, 7).slice(1, 4, 9).sum().item<int64_t>() + 16 * 16 - 15 == same.sum().item<int64_t>());
}

TEST_CASE("an Inf reaches the outputs of its tile and no others") {
  if (instructions_here().empty()) return;
  Problem p({1, 16, 16, 4, 4}, true);
  const Passes clean = by_kernels(p, Way::tile_4, best_instructions());
  p.x[0][2][5][6] = std::numeric_limits<float>::infinity();  // read by the tiles of rows 4-7 and columns 4-7 alone
  const Passes found = by_kernels(p, Way::tile_4, best_instructions());
  const Tensor same = found.y.eq(clean.y).all(1)[0];
  CHECK(same.sum().item<int64_t>() == 16 * 16 - 16);
  CHECK(same.slice(0, 4, 8).slice(1, 4, 8).sum().item<int64_t>() == 0);
}

}  // namespace optdnn::kernels
