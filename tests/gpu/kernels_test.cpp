// The project's own kernels on a GPU, each against its slow twin. Also for the make-believe device, where the same text
// runs emulated.
#include "optdnn/kernels/gpu_cast.h"
#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using torch::Tensor;

namespace {

const torch::Dtype kTypes[] = {torch::kFloat32, torch::kFloat16, torch::kBFloat16};

}  // namespace

TEST_CASE("kernels of batch norm and relu give the operators' numbers, in every type, for odd channels too") {
  const auto gpu = accelerator();
  if (!gpu) return;
  REQUIRE(kernels::launcher(gpu->device));
  for (const auto type : kTypes) {
    for (const NormProblem& shape : std::vector<NormProblem>{
             {4, 16, 16}, {3, 64, 8}, {2, 1, 4}, {2, 3, 5}, {2, 12, 7}, {5, 20, 3}, {1, 264, 4}, {7, 40, 1}}) {
      check_batch_norm_relu({shape.batch, shape.channels, shape.px, type}, gpu->device);
    }
  }
}

TEST_CASE("kernels of batch norm and relu keep their digits under a large mean, and NaN") {
  const auto gpu = accelerator();
  if (!gpu) return;
  check_batch_norm_relu({8, 16, 8, torch::kFloat32, 100.0}, gpu->device);
  for (const auto type : kTypes) {
    NormTensors on({2, 16, 4, type}, gpu->device);
    on.x = on.x.detach().clone();
    on.x.select(0, 1).select(0, 5).select(0, 2).select(0, 3).fill_(std::numeric_limits<float>::quiet_NaN());
    const Tensor y = modules::batch_norm_relu(on.x, on.norm).cpu();
    CHECK(y.select(1, 5).isnan().all().item<bool>());
    CHECK(on.norm.running_var.cpu().isnan().sum().item<int64_t>() == 1);
    CHECK_FALSE(y.select(1, 4).isnan().any().item<bool>());
  }
}

TEST_CASE("kernels of batch norm and relu refuse what they cannot take, and the operators run") {
  const auto gpu = accelerator();
  if (!gpu) return;
  NormTensors on({2, 16, 4}, gpu->device);
  CHECK(modules::gpu_batch_norm_relu_fits(on.x, on.norm));
  CHECK_FALSE(modules::gpu_batch_norm_relu_fits(on.x.detach().contiguous(), on.norm));
  CHECK_FALSE(modules::gpu_batch_norm_relu_fits(on.x.detach().to(torch::kFloat64), on.norm));
  CHECK_FALSE(modules::gpu_batch_norm_relu_fits(on.x.detach().cpu(), on.norm));
  const Tensor by_kernels = modules::batch_norm_relu(on.x, on.norm);
  const int64_t before = launches(gpu->device);
  {
    const WithoutKernels operators;
    CHECK_FALSE(modules::gpu_batch_norm_relu_fits(on.x, on.norm));
    CHECK(worst(modules::batch_norm_relu(on.x, on.norm), wide(by_kernels)) < 1e-5);
  }
  CHECK(launches(gpu->device) == before);
  on.norm.training = false;
  CHECK_FALSE(modules::gpu_batch_norm_relu_fits(on.x, on.norm));
}

TEST_CASE("kernels of batch norm and relu are differentiable twice") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const auto second = [&] {
    NormTensors on({2, 4, 4}, gpu->device);
    const std::vector<Tensor> leaves = {on.x, on.norm.weight, on.norm.bias};
    const Tensor y = modules::batch_norm_relu(on.x, on.norm);
    const auto first = torch::autograd::grad({y}, leaves, {on.dy}, true, true);
    return torch::autograd::grad({first[0].pow(2).sum() + first[1].pow(2).sum()}, leaves, {}, {}, false, true);
  };
  const auto found = second();
  const WithoutKernels operators;
  const auto wanted = second();
  for (size_t i = 0; i < found.size(); ++i) {
    if (wanted[i].defined()) CHECK(worst(found[i], wide(wanted[i])) < 1e-3);
  }
}

TEST_CASE("many tensors are cast by one kernel as by the operator, whatever their sizes, strides and numbers") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const auto narrow : {torch::kFloat16, torch::kBFloat16}) {
    REQUIRE(kernels::gpu_casts(gpu->device, torch::kFloat32, narrow));
    REQUIRE(kernels::gpu_casts(gpu->device, narrow, torch::kFloat32));
    std::vector<Tensor> all;
    for (int64_t i = 0; i < 200; ++i) all.push_back(torch::randn({1 + i % 37}) * 100);
    all[3].fill_(std::numeric_limits<float>::quiet_NaN());
    all[4].fill_(1e30);
    all[5].fill_(-std::numeric_limits<float>::infinity());
    all[6].fill_(3e-8);
    all.push_back(torch::randn({16, 8, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast));
    all.push_back(torch::randn({3000, 5}).t());
    for (Tensor& tensor : all) tensor = tensor.to(gpu->device);
    const int64_t before = launches(gpu->device);
    const auto narrowed = kernels::gpu_cast(all, narrow), widened = kernels::gpu_cast(narrowed, torch::kFloat32);
    CHECK(launches(gpu->device) - before == 4);  // 160 tensors each
    for (size_t i = 0; i < all.size(); ++i) {
      CAPTURE(i, narrow);
      CHECK(narrowed[i].strides() == all[i].strides());
      CHECK(at::allclose(narrowed[i].cpu(), all[i].to(narrow).cpu(), 0, 0, /*equal_nan=*/true));
      CHECK(at::allclose(widened[i].cpu(), all[i].to(narrow).to(torch::kFloat32).cpu(), 0, 0, true));
    }
  }
  const Tensor three = torch::ones({4}, gpu->device).narrow(0, 1, 3);  // not aligned
  CHECK(kernels::gpu_cast({three}, torch::kFloat16)[0].cpu().equal(torch::ones({3}, torch::kFloat16)));
}

TEST_CASE("a network trains by kernels as by operators, recorded or not") {
  const auto gpu = accelerator();
  if (!gpu) return;
  for (const std::string precision : {"float32", "bfloat16", "float16"}) {
    CAPTURE(precision);
    const auto spec = read_experiment(
        "dataset: {name: generated_images, size_px: 8, train_images: 64, test_images: 8, batch_size: 8}\n"
        "module: {name: conv_preact}\ndepth: [1, 1]\nwidth: [8, 16]\nalgorithm: {name: apg2}\n"
        "optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true, weight_decay: 1.0e-3}\n"
        "train: {length: {epochs: 1}, precision: " +
        precision + "}\n");
    const int64_t before = launches(gpu->device);
    const Trained recorded = train(spec, *gpu);
    CHECK(launches(gpu->device) > before);
    CHECK(recorded.result().iteration == "captured");
    const Trained eager = train(spec, *gpu, {.why_eager = "asked for"});
    // A GPU's libraries may choose other kernels the second time.
    CHECK(largest_difference(recorded, eager) <= (gpu->device.is_cuda() ? 3e-2 : 0.0));
    const WithoutKernels operators;
    const Trained by_operators = train(spec, *gpu);
    CHECK(largest_difference(recorded, by_operators) < (precision == "float32" ? 1e-4 : 3e-2));
  }
}
