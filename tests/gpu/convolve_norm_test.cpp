// Convolutions on a GPU that make the norm before them while they read, and take what the norms need of what they
// write, against the same kernels one after the other and against LibTorch in double precision. Also for the
// make-believe device.
#include "optdnn/execution/linear_node.h"
#include "optdnn/kernels/gpu/convolve.h"
#include "optdnn/kernels/gpu_convolve.h"
#include "optdnn/modules/convolve.h"
#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using kernels::Convolutions;
using modules::batch_norm_relu;
using modules::BatchNorm;
using modules::convolve;
using modules::NormedRelu;
using torch::Tensor;

namespace {

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

struct ChainProblem {
  int64_t images, inputs, between, outputs, height, width;
  torch::Dtype type = torch::kFloat16;
  double mean = 0.3;  // of the images, and of what the first convolution makes
};

std::string text(const ChainProblem& p) {
  return c10::str(p.images, " x ", p.inputs, " -> ", p.between, " -> ", p.outputs, ", ", p.height, " x ", p.width, " ",
                  p.type);
}

// Norm-relu-conv-norm-relu-conv: x, the weights and what the norms have.
struct ChainTensors {
  ChainTensors(const ChainProblem& p, const torch::Device& device) {
    torch::manual_seed(8);
    const auto made = [&](at::IntArrayRef sizes, double scale, double mean) {
      return (torch::randn(sizes) * scale + mean).to(p.type).contiguous(kLast).to(device);
    };
    x = made({p.images, p.inputs, p.height, p.width}, 1.5, p.mean).requires_grad_();
    dy = made({p.images, p.outputs, p.height, p.width}, 1.0, 0.0);
    weights = {made({p.between, p.inputs, 3, 3}, 0.2, p.mean / 10).requires_grad_(),
               made({p.outputs, p.between, 3, 3}, 0.2, 0.0).requires_grad_()};
    for (const int64_t channels : {p.inputs, p.between}) {
      const auto of = [&](const Tensor& numbers) { return numbers.to(device); };
      norms.push_back({of(torch::rand({channels}) + 0.5).requires_grad_(),
                       of(torch::randn({channels})).requires_grad_(), of(torch::randn({channels})),
                       of(torch::rand({channels}) + 0.5), true, 0.1, 1e-5});
    }
  }
  // The same numbers in double precision on the CPU.
  ChainTensors exact() const {
    ChainTensors all = *this;
    for (Tensor* leaf : {&all.x, &all.weights[0], &all.weights[1], &all.norms[0].weight, &all.norms[0].bias,
                         &all.norms[1].weight, &all.norms[1].bias})
      *leaf = wide(*leaf).requires_grad_();
    for (BatchNorm& norm : all.norms)
      norm.running_mean = wide(norm.running_mean), norm.running_var = wide(norm.running_var);
    all.dy = wide(dy);
    return all;
  }
  std::vector<Tensor> leaves() const {
    return {x, weights[0], weights[1], norms[0].weight, norms[0].bias, norms[1].weight, norms[1].bias};
  }
  Tensor x, dy;
  std::vector<Tensor> weights;
  std::vector<BatchNorm> norms;
};

using Chain = std::function<Tensor(const ChainTensors&)>;

Tensor fused(const ChainTensors& of) {
  modules::KnownMoments moments;
  const NormedRelu first = batch_norm_relu_to_make(of.x, of.norms[0]);
  const Tensor between = convolve(first, of.weights[0], 1, Convolutions::fast, &moments);
  return convolve(batch_norm_relu_to_make(between, of.norms[1], moments), of.weights[1], 1, Convolutions::fast);
}

Tensor one_by_one(const ChainTensors& of) {
  const Tensor between = convolve(batch_norm_relu(of.x, of.norms[0]), of.weights[0], 1, Convolutions::fast);
  return convolve(batch_norm_relu(between, of.norms[1]), of.weights[1], 1, Convolutions::fast);
}

Tensor chain_by_libtorch(const ChainTensors& of) {
  Tensor y = of.x;
  for (int i = 0; i < 2; ++i) {
    const BatchNorm& norm = of.norms[i];
    y = torch::batch_norm(y, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.training, norm.momentum,
                          norm.epsilon, false);
    y = torch::conv2d(y.relu(), of.weights[i], {}, 1, 1);
  }
  return y;
}

// Values, gradients, running statistics.
std::vector<Tensor> results(const Chain& chain, const ChainTensors& of) {
  const Tensor y = chain(of);
  std::vector<Tensor> all = torch::autograd::grad({y}, of.leaves(), {of.dy});
  all.insert(all.begin(), y.detach());
  for (const BatchNorm& norm : of.norms) all.insert(all.end(), {norm.running_mean, norm.running_var});
  return all;
}

double chain_error(const Tensor& found, const Tensor& wanted) {
  return ErrorTable::global().note(found.scalar_type(),
                                   ((wide(found) - wide(wanted)).norm() / (1e-3 + wide(wanted).norm())).item<double>());
}

// Launches of each kernel while something ran.
std::map<std::string, int64_t> launched(const torch::Device& device, const std::function<void()>& run) {
  const kernels::Launches before = kernels::launches(device);
  run();
  std::map<std::string, int64_t> more;
  for (const auto& [name, times] : kernels::launches_since(before, kernels::launches(device)))
    more[name.substr(0, name.find('<'))] += times;
  return more;
}

void check_chain(const ChainProblem& p, const torch::Device& device) {
  CAPTURE(text(p));
  const auto wanted = results(chain_by_libtorch, ChainTensors(p, device).exact());
  const auto twins = results(one_by_one, ChainTensors(p, device));
  std::vector<Tensor> found;
  const auto kernels = launched(device, [&] { found = results(fused, ChainTensors(p, device)); });
  CHECK(kernels == std::map<std::string, int64_t>{{"add_weights", 2},
                                                  {"batch_norm_gather", 1},
                                                  {"batch_norm_relu_backward", 2},
                                                  {"batch_norm_statistics", 1},
                                                  {"convolve", 4},
                                                  {"convolve_weights", 2}});
  for (size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i].scalar_type() == twins[i].scalar_type());
    const double by_twins = chain_error(twins[i], wanted[i]), step = rounding(p.type);
    CHECK(chain_error(found[i], wanted[i]) < 1.5 * by_twins + step / 4);
    CHECK(chain_error(found[i], twins[i]) < by_twins + 2 * step);
  }
}

}  // namespace

TEST_CASE("convolutions on a GPU take norms along and give what they and the norms give one by one, of any size") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  check_chain({2, 8, 24, 8, 9, 5}, gpu->device);
  check_chain({1, 8, 8, 8, 5, 3, torch::kBFloat16}, gpu->device);
  check_chain({1, 24, 8, 24, 3, 11}, gpu->device);
  check_chain({3, 16, 16, 16, 8, 8}, gpu->device);
  check_chain({1, 16, 48, 16, 4, 4}, gpu->device);
  check_chain({20, 8, 8, 8, 3, 2}, gpu->device);  // blocks take several tiles
}

TEST_CASE("whole networks' convolutions on a GPU take norms along") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu || !gpu->device.is_cuda()) return;  // too much to emulate
  for (const ChainProblem& p : std::vector<ChainProblem>{{128, 16, 16, 16, 32, 32},
                                                         {128, 32, 32, 32, 16, 16},
                                                         {128, 64, 64, 64, 8, 8},
                                                         {50, 24, 64, 40, 31, 33},
                                                         {77, 56, 40, 48, 7, 19, torch::kBFloat16}})
    check_chain(p, gpu->device);
}

TEST_CASE("moments that a convolution on a GPU leaves keep their digits under a large mean") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  ChainTensors on({4, 8, 8, 8, 8, 8}, gpu->device);
  const Tensor x = (1 + 0.01 * torch::randn({4, 8, 8, 8})).to(torch::kFloat16).contiguous(kLast).to(gpu->device);
  const Tensor w = torch::zeros({8, 8, 3, 3}).contiguous(kLast);
  for (int c = 0; c < 8; ++c) w[c][c][1][1] = 100.0;
  on.norms[1].running_mean.zero_();
  on.norms[1].running_var.zero_();
  modules::KnownMoments moments;
  const Tensor y = convolve(x, w.to(gpu->device, torch::kFloat16), 1, Convolutions::fast, &moments);
  REQUIRE(moments.left.defined());
  batch_norm_relu_to_make(y, on.norms[1], moments);
  const Tensor exact = wide(y).transpose(0, 1).flatten(1);
  CHECK(chain_error(on.norms[1].running_mean * 10, exact.mean(1)) < 1e-6);
  CHECK(chain_error(on.norms[1].running_var * 10, exact.var(1)) < 1e-4);
}

TEST_CASE("a pixel that is no number spoils its channel where a convolution on a GPU takes the norm along") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  for (const auto type : {torch::kFloat16, torch::kBFloat16}) {
    const ChainProblem p{1, 8, 8, 8, 9, 9, type};
    const auto spoiled = [&](const Chain& chain) {
      ChainTensors on(p, gpu->device);
      on.x = on.x.detach().clone();
      on.x.select(1, 3).select(1, 4).select(1, 4).fill_(std::numeric_limits<float>::quiet_NaN());
      on.x.requires_grad_();
      std::vector<Tensor> all = results(chain, on);
      for (Tensor& tensor : all) tensor = wide(tensor).isnan();
      return all;
    };
    const auto found = spoiled(fused), wanted = spoiled(one_by_one);
    for (size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(i, type);
      CHECK(found[i].equal(wanted[i]));
    }
    CHECK(wanted[0].all().item<bool>());
  }
}

TEST_CASE("readers of one norm on a GPU are added up, and what takes no norm along has it made") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  const ChainProblem p{2, 8, 8, 8, 5, 6};
  const auto twice = [&](const NormedRelu& normed, const ChainTensors& of) {
    return convolve(normed, of.weights[0], 1, Convolutions::fast) +
           convolve(normed, of.weights[1], 1, Convolutions::fast) + normed.made();
  };
  const Chain shared = [&](const ChainTensors& of) { return twice(batch_norm_relu_to_make(of.x, of.norms[0]), of); };
  const Chain plain = [&](const ChainTensors& of) { return twice(batch_norm_relu(of.x, of.norms[0]), of); };
  const auto gradients = [&](const Chain& chain) {
    const ChainTensors on(p, gpu->device);
    const std::vector<Tensor> leaves = {on.x, on.weights[0], on.weights[1], on.norms[0].weight, on.norms[0].bias};
    return torch::autograd::grad({chain(on)}, leaves, {on.dy});
  };
  const auto found = gradients(shared), wanted = gradients(plain);
  for (size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(i);
    CHECK(chain_error(found[i], wanted[i]) < 2 * rounding(p.type));
  }

  ChainTensors on(p, gpu->device);
  const auto made_by = [&](const std::function<void(const NormedRelu&)>& read) {
    const NormedRelu normed = batch_norm_relu_to_make(on.x, on.norms[0]);
    return launched(gpu->device, [&] { read(normed); })["batch_norm_relu"];
  };
  CHECK(made_by([&](const NormedRelu& x) { convolve(x, on.weights[0], 1, Convolutions::fast); }) == 0);
  CHECK(made_by([&](const NormedRelu& x) { convolve(x, on.weights[0], 2, Convolutions::fast); }) == 1);
  CHECK(made_by([&](const NormedRelu& x) { convolve(x, on.weights[0], 1, Convolutions::exact); }) == 1);
  const Tensor by_kernels = fused(on).detach();
  on.norms[0].training = on.norms[1].training = false;  // running statistics: by operators
  CHECK(chain_error(fused(on), chain_by_libtorch(on.exact())) < 3 * rounding(p.type));
  on.norms[0].training = on.norms[1].training = true;
  const Tensor by_operators = without_kernels([&] { return fused(on).detach(); });
  CHECK(chain_error(by_kernels, by_operators) < 3 * rounding(p.type));
}

TEST_CASE("kernels that overlap leave the bits of kernels that do not, recorded too") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  if (const std::string why = kernels::why_no_overlap(gpu->device); gpu->device.is_cuda() && !why.empty()) {
    WARN("kernels cannot overlap here: " << why);
    return;
  }
  struct Overlap {
    Overlap() { kernels::overlap_kernels(true); }
    ~Overlap() { kernels::overlap_kernels(false); }
  };
  const ChainProblem p = gpu->device.is_cuda() ? ChainProblem{128, 16, 32, 16, 32, 32} : ChainProblem{2, 8, 8, 8, 4, 4};
  const auto wanted = results(fused, ChainTensors(p, gpu->device));
  for (int again = 0; again < (gpu->device.is_cuda() ? 100 : 1); ++again) {
    const Overlap overlap;
    const auto found = results(fused, ChainTensors(p, gpu->device));
    for (size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(again, i);
      CHECK(found[i].cpu().equal(wanted[i].cpu()));
    }
  }

  const auto spec = read_experiment(
      "dataset: {name: generated_images, size_px: 4, train_images: 16, test_images: 2, batch_size: 2}\n"
      "module: {name: conv_preact}\ndepth: [1, 1]\nwidth: [5, 8]\nalgorithm: {name: apg2}\n"
      "optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9}\n"
      "train: {length: {epochs: 1}, precision: float16, deterministic: true}\n");
  const Trained one_by_one = train(spec, *gpu);
  const Overlap overlap;
  const Trained overlapping = train(spec, *gpu);
  CHECK(overlapping.result().iteration == "captured");
  CHECK(largest_difference(overlapping, one_by_one) == 0.0);
}

TEST_CASE("a chain of norms and convolutions on a GPU is differentiable twice") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  const auto second = [&](const Chain& chain, const ChainTensors& on) {
    const auto leaves = on.leaves();
    const auto first = torch::autograd::grad({chain(on)}, leaves, {on.dy}, true, true);
    Tensor sum = torch::zeros({}, first[3].options());
    for (const size_t i : {1, 3, 4}) sum = sum + first[i].to(sum.scalar_type()).pow(2).sum() * 1e-3;
    return torch::autograd::grad({sum}, leaves);
  };
  const ChainTensors on({2, 8, 8, 8, 4, 4}, gpu->device);
  const auto found = second(fused, on), wanted = second(chain_by_libtorch, on.exact()), twins = second(one_by_one, on);
  for (size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i, chain_error(twins[i], wanted[i]));
    CHECK(chain_error(found[i], wanted[i]) < 2 * chain_error(twins[i], wanted[i]) + 1e-2);
  }
}

TEST_CASE("the norm of a combination on a GPU is made by the convolution that reads it, in training and recorded") {
  const auto gpu = accelerator(kernels::gpu::kConvolveThreads);
  if (!gpu) return;
  const auto spec = read_experiment(
      "dataset: {name: generated_images, size_px: 4, train_images: 8, test_images: 2, batch_size: 2}\n"
      "module: {name: conv_preact}\ndepth: [2]\nwidth: [8]\nalgorithm: {name: gradient_descent}\n"
      "optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9}\n"
      "train: {length: {epochs: 1}, precision: float16}\n");
  std::optional<Trained> recorded;
  auto kernels = launched(gpu->device, [&] { recorded = train(spec, *gpu); });
  CHECK(recorded->result().iteration == "captured");
  const int64_t layers = 5, times = kernels["add_weights"] / layers;  // the stem is one
  CHECK(times > 0);
  CHECK(kernels["convolve"] == (layers + layers - 1) * times + layers);  // the last: of an evaluation
  CHECK(kernels["combine_statistics"] > 0);
  CHECK(kernels["batch_norm_gather"] == 2 * times);
  CHECK(kernels["batch_norm_relu"] == times);  // the head's
  CHECK(kernels["batch_norm_relu_sums"] == times);
  CHECK(largest_difference(*recorded, train(spec, *gpu, {.why_eager = "asked for"})) <=
        (gpu->device.is_cuda() ? 3e-2 : 0.0));
  const Trained by_operators = without_kernels([&] { return train(spec, *gpu); });
  CHECK(largest_difference(*recorded, by_operators) < 3e-2);
}
