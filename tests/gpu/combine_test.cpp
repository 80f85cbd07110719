// Linear maps with norms by the project's kernels against the loops of the CPU in double precision. Also for the
// make-believe device.
#include <random>

#include "optdnn/execution/gpu_linear.h"
#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using execution::NormedOutput;
using kernels::LinearMap;
using torch::Tensor;

namespace {

struct MapProblem {
  int inputs, made, outputs;
  std::vector<int> normed = {};  // of the outputs
  std::vector<int64_t> sizes;
  bool channels_last = true;
  std::vector<int> unread = {};  // results whose gradient nobody gives
  int learned = 0;               // weights
};

// Every value of a few earlier ones; the last ones are the outputs.
std::shared_ptr<const LinearMap> made_map(const MapProblem& p, unsigned seed) {
  std::mt19937 random(seed);
  kernels::Combinations all{p.inputs, {}};
  const double weights[] = {1.0, 0.5, -1.5, 1.0};
  for (int i = 0; i < p.made; ++i) {
    kernels::Terms terms;
    for (int value = 0; value < all.values(); ++value) {
      if (random() % 2 != 0 && value + 2 < all.values()) continue;
      terms.push_back({value, weights[random() % 4]});
      const auto learned = static_cast<unsigned>(p.learned);
      if (learned > 0 && random() % 2 == 0) terms.back().learned = static_cast<int>(random() % learned);
    }
    all.made.push_back(terms);
  }
  std::vector<int> outputs;
  for (int o = 0; o < p.outputs; ++o) outputs.push_back(all.values() - 1 - o);
  return std::make_shared<const LinearMap>(std::move(all), std::move(outputs));
}

// Results, then the gradients of the inputs, the learned weights, the norms' weights and biases; what the norms keep.
struct MapResult {
  std::vector<Tensor> values, gradients, kept;
};

struct MapTensors {
  MapTensors(const MapProblem& p, torch::Dtype type) {
    torch::manual_seed(5);
    const auto image = [&] {
      const Tensor made = torch::randn(p.sizes);
      return p.channels_last && made.dim() == 4 ? made.contiguous(at::MemoryFormat::ChannelsLast) : made;
    };
    for (int i = 0; i < p.inputs; ++i) inputs.push_back(image().to(type));
    for (size_t i = 0; i < p.outputs + p.normed.size(); ++i) cotangents.push_back(image().to(type));
    for (int i = 0; i < p.learned; ++i) learned.push_back(torch::randn({}));
    for (size_t i = 0; i < p.normed.size(); ++i)
      norms.push_back({torch::rand({p.sizes[1]}) + 0.5, torch::randn({p.sizes[1]}), torch::randn({p.sizes[1]}),
                       torch::rand({p.sizes[1]}) + 0.5, true, 0.1, 1e-5});
  }
  std::vector<Tensor> inputs, learned, cotangents;
  std::vector<modules::BatchNorm> norms;
};

MapResult run_map(const MapProblem& p, const std::shared_ptr<const LinearMap>& map, const MapTensors& given,
                  const torch::Device& device, torch::Dtype type, torch::Dtype norm_type) {
  std::vector<Tensor> leaves;
  for (const Tensor& input : given.inputs) leaves.push_back(input.to(device, type).detach().requires_grad_());
  const std::vector<Tensor> inputs = leaves;
  for (const Tensor& weight : given.learned)
    leaves.push_back(weight.to(device, norm_type).detach().clone().requires_grad_());
  const std::vector<Tensor> weights(leaves.begin() + p.inputs, leaves.end());
  std::vector<NormedOutput> normed;
  MapResult result;
  for (size_t i = 0; i < p.normed.size(); ++i) {
    modules::BatchNorm norm = given.norms[i];
    for (Tensor* tensor : {&norm.weight, &norm.bias, &norm.running_mean, &norm.running_var})
      *tensor = tensor->to(device, norm_type).clone();
    leaves.push_back(norm.weight.requires_grad_());
    leaves.push_back(norm.bias.requires_grad_());
    result.kept.insert(result.kept.end(), {norm.running_mean, norm.running_var});
    normed.push_back({p.normed[i], norm});
  }
  if (!device.is_cpu()) REQUIRE(execution::gpu_linear_fits(*map, inputs, weights, normed));
  result.values = execution::apply_linear(map, inputs, weights, normed).made();
  std::vector<Tensor> read, cotangents;
  for (size_t i = 0; i < result.values.size(); ++i) {
    if (std::find(p.unread.begin(), p.unread.end(), static_cast<int>(i)) != p.unread.end()) continue;
    read.push_back(result.values[i]);
    cotangents.push_back(given.cotangents[i].to(device, result.values[i].scalar_type()));
  }
  result.gradients = torch::autograd::grad(read, leaves, cotangents, true, false, /*allow_unused=*/true);
  return result;
}

// Largest difference relative to the largest number.
double off(const Tensor& found, const Tensor& wanted) {
  return ErrorTable::global().note(
      found.scalar_type(), ((wide(found) - wide(wanted)).abs().max() / (1 + wide(wanted).abs().max())).item<double>());
}

void check_map(const MapProblem& p, unsigned seed, torch::Dtype type, const torch::Device& device) {
  const auto map = made_map(p, seed);
  MapTensors given(p, type);
  const MapResult first = run_map(p, map, given, torch::kCPU, torch::kFloat64, torch::kFloat64);
  for (size_t i = 0; i < p.normed.size(); ++i) {  // clear of relu's kink, on whose sides rounding may put a number
    const modules::BatchNorm& norm = given.norms[i];
    const Tensor z = torch::batch_norm(wide(first.values[p.normed[i]]), wide(norm.weight), wide(norm.bias), {}, {},
                                       true, 0, norm.epsilon, false);
    Tensor& cotangent = given.cotangents[p.outputs + i];
    cotangent = (wide(cotangent) * z.abs().gt(0.1)).to(type);
  }
  const MapResult wanted = run_map(p, map, given, torch::kCPU, torch::kFloat64, torch::kFloat64);
  const MapResult found = run_map(p, map, given, device, type, torch::kFloat32);
  const double step = 3 * rounding(type);
  for (size_t i = 0; i < wanted.values.size(); ++i) {
    CAPTURE(i);
    CHECK(found.values[i].scalar_type() == type);
    CHECK(found.values[i].strides() == found.values[0].strides());
    CHECK(off(found.values[i], wanted.values[i]) < step);
  }
  for (size_t i = 0; i < wanted.kept.size(); ++i) CHECK(off(found.kept[i], wanted.kept[i]) < step);
  for (size_t i = 0; i < wanted.gradients.size(); ++i) {
    CAPTURE(i);
    const bool is_there = found.gradients[i].defined();
    if (!is_there && wanted.gradients[i].defined()) CHECK(wide(wanted.gradients[i]).abs().max().item<double>() == 0);
    if (is_there) CHECK(off(found.gradients[i], wanted.gradients[i]) < 2 * step);
  }
}

}  // namespace

TEST_CASE("kernels combine tensors, and the norms that follow, as the CPU does, values and gradients, in every type") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const std::vector<MapProblem> problems = {
      {2, 1, 1, {0}, {3, 8, 4, 4}},
      {3, 2, 2, {1}, {2, 16, 3, 5}},
      {4, 3, 3, {2}, {4, 20, 3, 3}},
      {5, 4, 4, {0, 3}, {3, 5, 4, 3}},
      {8, 2, 2, {}, {2, 3, 5, 5}},
      {3, 2, 2, {}, {2, 6, 4, 4}, /*channels_last=*/false},
      {2, 2, 1, {}, {7, 2}},
      {3, 1, 1, {}, {3, 5, 7}},
      {3, 2, 2, {1}, {2, 16, 4, 4}, true, /*unread=*/{1}},
      {3, 2, 2, {1}, {2, 16, 4, 4}, true, /*unread=*/{2}},
      {3, 2, 2, {0}, {2, 16, 4, 4}, true, /*unread=*/{0, 1}},
      {2, 1, 1, {}, {7, 2}, true, {}, /*learned=*/1},
      {3, 3, 3, {1}, {2, 16, 4, 4}, true, {}, /*learned=*/3},
      {4, 4, 2, {0}, {3, 5, 4, 3}, true, {}, /*learned=*/2},
      {5, 3, 3, {0, 2}, {2, 8, 4, 4}, true, /*unread=*/{1}, /*learned=*/4},
      {3, 2, 2, {1}, {2, 16, 4, 4}, true, /*unread=*/{2}, /*learned=*/2},
      {8, 4, 4, {}, {3, 5, 7}, true, {}, /*learned=*/8},
      {20, 1, 1, {0}, {2, 8, 3, 3}, true, {}, /*learned=*/20},
  };
  for (const auto type : {torch::kFloat32, torch::kFloat16, torch::kBFloat16}) {
    for (size_t i = 0; i < problems.size(); ++i) {
      CAPTURE(type, i);
      const int64_t before = launches(gpu->device, "combine");
      check_map(problems[i], 11 + static_cast<unsigned>(i), type, gpu->device);
      CHECK(launches(gpu->device, "combine") - before >= 2);
    }
  }
}

TEST_CASE("a step of a network is four launches: its combination with moments, the norm, and two backwards") {
  const auto gpu = accelerator();
  if (!gpu) return;
  using Launches = std::map<std::string, int64_t>;
  const auto launched = [&](const MapProblem& p) {
    const Launches before = kernels::launcher(gpu->device)->launches();
    run_map(p, made_map(p, 1), MapTensors(p, torch::kFloat16), gpu->device, torch::kFloat16, torch::kFloat32);
    Launches more;
    for (const auto& [name, times] : kernels::launcher(gpu->device)->launches()) {
      const auto was = before.find(name);
      const int64_t now = times - (was == before.end() ? 0 : was->second);
      if (now > 0) more[name.substr(0, name.find('<'))] += now;
    }
    return more;
  };
  const Launches fixed = {
      {"batch_norm_relu", 1}, {"batch_norm_relu_sums", 1}, {"combine_backward", 1}, {"combine_statistics", 1}};
  CHECK(launched({2, 1, 1, {0}, {3, 8, 4, 4}}) == fixed);
  Launches learned = fixed;  // three small ones and one that reads the tensors more
  learned.insert({{"learned_matrices", 2}, {"learned_products", 1}, {"learned_gradients", 1}});
  CHECK(launched({2, 1, 1, {0}, {3, 8, 4, 4}, true, {}, /*learned=*/1}) == learned);
}

TEST_CASE("what is not finite spreads to what is made of it alone, by kernels too") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const auto map = std::make_shared<const LinearMap>(
      kernels::Combinations{3, {{{0, 0.5}, {1, 2.0}}, {{1, 1.0}, {2, -1.0}}}}, std::vector<int>{3, 4});
  for (const auto type : {torch::kFloat32, torch::kFloat16, torch::kBFloat16}) {
    std::vector<Tensor> inputs;
    for (int i = 0; i < 3; ++i) inputs.push_back(torch::ones({3, 5}).to(gpu->device, type));
    inputs[0].select(0, 1).fill_(std::numeric_limits<float>::quiet_NaN());
    inputs[2].select(0, 2).fill_(INFINITY);
    const auto found = execution::apply_linear(map, inputs, {}, {}).values;
    CHECK(found[0].cpu().isnan().sum().item<int64_t>() == 5);
    CHECK(found[1].cpu().isinf().sum().item<int64_t>() == 5);
    CHECK_FALSE(found[1].cpu().isnan().any().item<bool>());
  }
}

TEST_CASE("kernels refuse maps that they cannot take, and the operators run") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const LinearMap constant({2, {{{0, 1.0}, {1, 0.5}}}}, {2}), learned({2, {{{0, 1.0}, {1, 0.5, 0}}}}, {2});
  const Tensor x = torch::ones({4, 6}).to(gpu->device), weight = torch::full({}, 0.5).to(gpu->device);
  CHECK(execution::gpu_linear_fits(constant, {x, x}, {}, {}));
  CHECK(execution::gpu_linear_fits(learned, {x, x}, {weight}, {}));
  CHECK_FALSE(execution::gpu_linear_fits(learned, {x, x}, {weight.expand({4})}, {}));
  CHECK_FALSE(execution::gpu_linear_fits(learned, {x, x}, {weight.to(torch::kFloat64)}, {}));
  CHECK_FALSE(execution::gpu_linear_fits(learned, {x, x}, std::vector<Tensor>(33, weight), {}));
  // One value more than the kernels have room for, or one term, or one product.
  const auto fits = [&](int made, int terms, int learned_terms) {
    kernels::Combinations all{1, {}};
    for (int i = 0; i < made; ++i) {
      all.made.push_back({{all.values() - 1, 1.5}});
      for (; terms > 0; --terms) all.made.back().push_back({0, 0.5, learned_terms-- > 0 ? 0 : -1});
    }
    const int last = all.values() - 1;
    return execution::gpu_linear_fits(LinearMap(std::move(all), {last}), {x}, {weight}, {});
  };
  CHECK(fits(40, 56, 56));
  CHECK_FALSE(fits(41, 1, 1));
  CHECK_FALSE(fits(1, 96, 1));
  CHECK_FALSE(fits(1, 65, 65));
  CHECK_FALSE(execution::gpu_linear_fits(constant, {x, x.to(torch::kFloat16)}, {}, {}));
  const Tensor image = torch::ones({2, 3, 4, 5}).to(gpu->device);
  CHECK(execution::gpu_linear_fits(constant, {image, image}, {}, {}));
  CHECK_FALSE(execution::gpu_linear_fits(constant, {image, image.contiguous(at::MemoryFormat::ChannelsLast)}, {}, {}));
  CHECK_FALSE(execution::gpu_linear_fits(constant, {x.to(torch::kFloat64), x.to(torch::kFloat64)}, {}, {}));
  CHECK_FALSE(execution::gpu_linear_fits(constant, {torch::ones({4}), torch::ones({4})}, {}, {}));
  kernels::leave_out_kernels({"learned", "convolve"});
  CHECK(execution::gpu_linear_fits(constant, {x, x}, {}, {}));
  CHECK_FALSE(execution::gpu_linear_fits(learned, {x, x}, {weight}, {}));
  kernels::leave_out_kernels({});
  const WithoutKernels without;
  CHECK_FALSE(execution::gpu_linear_fits(constant, {x, x}, {}, {}));
}

TEST_CASE("vectors that lie otherwise, or only repeat, are laid as the last of them") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const auto map = std::make_shared<const LinearMap>(kernels::Combinations{3, {{{0, 1.0}, {1, 0.5}, {2, -2.0}}}},
                                                     std::vector<int>{3});
  torch::manual_seed(2);
  const Tensor repeated = torch::randn({5, 6}), turned = torch::randn({4, 6, 5}), last = torch::randn({6, 5, 4});
  std::vector<Tensor> given = {repeated, turned, last};
  for (Tensor& tensor : given) tensor = tensor.to(gpu->device).requires_grad_();
  const std::vector<Tensor> inputs = {given[0].unsqueeze(0).expand({4, 5, 6}), given[1].transpose(1, 2),
                                      given[2].permute({2, 1, 0})};
  const auto found = execution::apply_linear(map, inputs, {}).values;
  const Tensor wanted = repeated + 0.5 * turned.transpose(1, 2) - 2.0 * last.permute({2, 1, 0});
  CHECK(off(found[0], wanted) < 1e-6);
  const auto gradients = torch::autograd::grad({found[0].sum()}, given);
  CHECK(off(gradients[0], torch::full({5, 6}, 4.0)) < 1e-6);
  CHECK(off(gradients[1], torch::full({4, 6, 5}, 0.5)) < 1e-6);
  CHECK(off(gradients[2], torch::full({6, 5, 4}, -2.0)) < 1e-6);
}

TEST_CASE("linear maps by kernels are differentiable twice") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const MapProblem p{3, 2, 2, {1}, {2, 4, 3, 3}, true, {}, GENERATE(0, 2)};
  const auto map = made_map(p, 4);
  const auto second = [&] {
    const MapTensors given(p, torch::kFloat32);
    std::vector<Tensor> leaves;
    for (const Tensor& input : given.inputs) leaves.push_back(input.to(gpu->device).requires_grad_());
    for (const Tensor& weight : given.learned) leaves.push_back(weight.to(gpu->device).requires_grad_());
    const std::vector<Tensor> learned(leaves.begin() + p.inputs, leaves.end());
    modules::BatchNorm norm = given.norms[0];
    for (Tensor* tensor : {&norm.weight, &norm.bias, &norm.running_mean, &norm.running_var})
      *tensor = tensor->to(gpu->device).clone();
    for (const Tensor& weights : {norm.weight, norm.bias}) leaves.push_back(weights.requires_grad_());
    const auto values = execution::apply_linear(map, {leaves[0], leaves[1], leaves[2]}, learned, {{1, norm}}).made();
    const auto first = torch::autograd::grad({values[0].pow(2).sum() + values[2].pow(3).sum()}, leaves, {}, true, true);
    return torch::autograd::grad({first[0].pow(2).sum() + first[3].pow(2).sum() + first.back().pow(2).sum()}, leaves,
                                 {}, {}, false, true);
  };
  const auto found = second(), wanted = without_kernels(second);
  for (size_t i = 0; i < found.size(); ++i) {
    if (wanted[i].defined()) CHECK(off(found[i], wanted[i]) < 1e-3);
  }
}
