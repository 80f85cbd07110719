// Stages of small modules by kernels against LibTorch's operators on the CPU in double precision. Also for the
// make-believe device.
#include "models/nets_to_run.h"
#include "optdnn/base/random.h"
#include "support/kernel_checks.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;

namespace {

// Relative to the largest number.
void check_close(const Tensor& found, const Tensor& wanted, double tolerance) {
  const double error =
      (wide(found) - wide(wanted)).abs().max().item<double>() / (1e-2 + wide(wanted).abs().max().item<double>());
  CHECK(ErrorTable::global().note(found.scalar_type(), error) < tolerance);
}

// By the operators in double precision, then on the device in float32, of which `whole` has to be the choice.
void check_net(Network& net, const Shape& shape, const torch::Device& device, double tolerance = 1e-4) {
  net.module.ptr()->to(torch::kFloat64);
  const Tensor x = vectors(shape, torch::kFloat64);
  const Outcome slow = run_by("operators", net, x);
  net.module.ptr()->to(device, torch::kFloat32);
  const int64_t stages = std::ssize(net.opt_net->stages()), forward = launches(device, "whole_forward"),
                backward = launches(device, "whole_backward"), sums = launches(device, "whole_sums");
  const Outcome fast = run_by("whole", net, x.detach().to(device, torch::kFloat32).requires_grad_());
  CHECK(launches(device, "whole_forward") == forward + stages);
  CHECK(launches(device, "whole_backward") == backward + stages);
  CHECK(launches(device, "whole_sums") == sums + stages);
  check_close(fast.output, slow.output, tolerance);
  for (size_t i = 0; i < fast.gradients.size(); ++i) {
    CAPTURE(i);
    const Tensor &found = fast.gradients[i], &wanted = slow.gradients[i];
    if (found.defined() && wanted.defined()) check_close(found, wanted, tolerance);
    if (found.defined() != wanted.defined())
      CHECK(wide(found.defined() ? found : wanted).abs().max().item<double>() == 0.0);
  }
}

}  // namespace

TEST_CASE("kernels run stages of small modules as the operators do: every rule, every setting, many runs") {
  const auto gpu = accelerator();
  if (!gpu) return;
  base::seed_torch(1);
  for (const auto& rule : explicit_rules()) {
    for (const Setting setting : {Setting::resnet, Setting::dense, Setting::carry}) {
      for (const int64_t runs : {1, 3}) {
        CAPTURE(rule.name(), static_cast<int>(setting), runs);
        const Shape shape{runs, 5, 3, 4};
        Network net = vector_net(rule, setting, shape, Activation::tanh, {2, 3});
        check_net(net, shape, gpu->device);
      }
    }
  }
}

TEST_CASE("stages by kernels have any size and activation, and blocks of any number of threads") {
  for (const int threads : {1, 8, 64}) {
    const auto gpu = accelerator(threads);
    if (!gpu) return;
    base::seed_torch(2);
    const auto rule = catalogue_rule("apg2");
    for (const Activation activation : {Activation::tanh, Activation::sigmoid, Activation::relu}) {
      for (const Shape shape :
           {Shape{1, 1, 1, 1}, Shape{1, 21, 2, 16}, Shape{2, 9, 7, 3}, Shape{1, 5, 40, 24}, Shape{5, 6, 4, 44}}) {
        CAPTURE(threads, static_cast<int>(activation), shape.runs, shape.samples, shape.width, shape.hidden);
        Network net = vector_net(rule, Setting::resnet, shape, activation, {4});
        check_net(net, shape, gpu->device, 1e-3);
      }
    }
  }
}

TEST_CASE("a stage by kernels evaluates without a backward pass, and has derivatives of its derivatives") {
  const auto gpu = accelerator();
  if (!gpu) return;
  base::seed_torch(3);
  for (const int64_t runs : {1, 3}) {  // several runs' states lie otherwise
    const Shape shape{runs, 4, 2, 5};
    auto coefficients = catalogue_rule("momentum").coefficients();
    coefficients.front().range.reset();
    coefficients.front().learn = algorithms::Learn::per_step;
    const auto rule = catalogue_rule("momentum", coefficients);
    Network net = vector_net(rule, Setting::resnet, shape, Activation::tanh, {3});
    net.module.ptr()->to(gpu->device);
    const Tensor x = vectors(shape, torch::kFloat32).detach().to(gpu->device).requires_grad_();
    const auto second = [&](const std::string& name) {
      net.opt_net->force_executor(name);
      const Tensor y = net.forward(x).sin().sum();
      const Tensor gradient = torch::autograd::grad({y}, {x}, {}, true, true).front();
      return torch::autograd::grad({gradient.square().sum()}, net.module.ptr()->parameters(), {}, {}, false, true);
    };
    const auto found = second("whole"), wanted = second("operators");
    for (size_t i = 0; i < found.size(); ++i) {
      REQUIRE(found[i].defined() == wanted[i].defined());
      if (found[i].defined()) check_close(found[i], wanted[i], 1e-4);
    }

    net.opt_net->force_executor("whole");
    const Tensor trained = net.forward(x);
    const torch::NoGradGuard no_grad;
    const int64_t before = launches(gpu->device, "whole_forward");
    CHECK(net.forward(x).equal(trained));
    CHECK(launches(gpu->device, "whole_forward") == before + 1);
  }
}

TEST_CASE("a stage that kernels do not take says why") {
  const auto gpu = accelerator();
  if (!gpu) return;
  const Shape shape{1, 4, 2, 5};
  const auto declined = [&](const std::string& rule, torch::Dtype type, std::vector<int64_t> depth) {
    Network net = vector_net(catalogue_rule(rule), Setting::resnet, shape, Activation::tanh, std::move(depth));
    net.module.ptr()->to(gpu->device, type);
    net.forward(vectors(shape, type).detach().to(gpu->device).requires_grad_());
    const auto& choice = *net.opt_net->stages().front()->execution().choice();
    REQUIRE(choice.name != "whole");
    return choice.declined.front().second;
  };
  CHECK(declined("gradient_descent", torch::kFloat64, {3}) == "weights that are not float32");
  Network net = vector_net(catalogue_rule("gradient_descent"), Setting::resnet, shape, Activation::tanh, {3});
  net.module.ptr()->to(gpu->device);
  CHECK(net.forward(vectors({1, 0, 2, 5}, torch::kFloat32).detach().to(gpu->device)).numel() == 0);
  CHECK(declined("gradient_descent", torch::kFloat32, {100}) == "100 modules, over 68");
  const WithoutKernels without;
  CHECK(declined("gradient_descent", torch::kFloat32, {3}).ends_with("which has no kernels"));
}
