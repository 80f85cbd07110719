// The fused batch norm and relu equals LibTorch's two operators: values, statistics, first and second derivatives.
#include "optdnn/modules/batch_norm_relu.h"

#include <ATen/Parallel.h>

#include <limits>

#include "optdnn/modules/layers.h"
#include "support/catch.h"
#include "support/close.h"

namespace optdnn::modules {
namespace {

using tests::check_close;
using torch::Tensor;

struct Setting {
  int64_t batch, channels, size_px;
};
// Channels that are multiples of a vector's lanes and not, more rows than one block of sums.
const std::vector<Setting> kSettings = {{2, 1, 4},  {4, 3, 8},  {2, 12, 4},  {3, 16, 8},
                                        {2, 24, 6}, {5, 64, 8}, {1, 100, 4}, {32, 16, 16}};

struct Problem {
  Problem(const Setting& s, torch::Dtype type, double mean = 0.3, bool training = true) {
    torch::manual_seed(7);
    x = (torch::randn({s.batch, s.channels, s.size_px, s.size_px}, type) * 1.5 + mean)
            .contiguous(at::MemoryFormat::ChannelsLast)
            .requires_grad_();
    norm.weight = torch::randn({s.channels}, type).requires_grad_();
    norm.bias = torch::randn({s.channels}, type).requires_grad_();
    norm.running_mean = torch::randn({s.channels}, type);
    norm.running_var = torch::rand({s.channels}, type) + 0.5;
    norm.training = training;
    norm.momentum = 0.1;
    norm.epsilon = 1e-5;
    dy = torch::randn_like(x.detach());
  }
  std::vector<Tensor> leaves() const { return {x, norm.weight, norm.bias}; }

  Tensor x, dy;
  BatchNorm norm;
};

Tensor plain(const Problem& p) {
  return torch::relu(torch::batch_norm(p.x, p.norm.weight, p.norm.bias, p.norm.running_mean, p.norm.running_var,
                                       p.norm.training, p.norm.momentum, p.norm.epsilon, false));
}
Tensor fused(const Problem& p) {
  REQUIRE(batch_norm_relu_fits(p.x, p.norm));
  return batch_norm_relu(p.x, p.norm);
}

}  // namespace

TEST_CASE("batch norm with relu equals the two operators") {
  for (const Setting& s : kSettings) {
    for (const auto type : {torch::kFloat64, torch::kFloat32}) {
      CAPTURE(s.batch, s.channels, s.size_px, type);
      const double tolerance = type == torch::kFloat64 ? 1e-11 : 1e-4;
      const Problem ours(s, type), theirs(s, type);
      const Tensor y = fused(ours), expected = plain(theirs);
      CHECK(y.is_contiguous(at::MemoryFormat::ChannelsLast));
      check_close(y, expected, tolerance);
      check_close(ours.norm.running_mean, theirs.norm.running_mean, tolerance);
      check_close(ours.norm.running_var, theirs.norm.running_var, tolerance);
      const auto found = torch::autograd::grad({y}, ours.leaves(), {ours.dy});
      const auto wanted = torch::autograd::grad({expected}, theirs.leaves(), {theirs.dy});
      for (size_t i = 0; i < found.size(); ++i) check_close(found[i], wanted[i], tolerance);
    }
  }
}

TEST_CASE("batch norm with relu, evaluated, equals the two operators") {
  const torch::NoGradGuard no_grad;
  for (const Setting& s : kSettings) {
    const Problem ours(s, torch::kFloat64, 0.3, false), theirs(s, torch::kFloat64, 0.3, false);
    check_close(fused(ours), plain(theirs), 1e-11);
  }
}

TEST_CASE("batch norm with relu keeps its digits under a large mean") {
  const Setting s{16, 16, 8};
  const Problem ours(s, torch::kFloat32, 1000.0);
  const Tensor before = ours.norm.running_var.clone();
  fused(ours);
  const Tensor exact = ours.x.detach().to(torch::kFloat64).var({0, 2, 3});  // of the same numbers
  check_close(ours.norm.running_var.to(torch::kFloat64), torch::lerp(before.to(torch::kFloat64), exact, 0.1), 1e-5);
}

TEST_CASE("batch norm with relu is the same for any number of threads") {
  const Setting s{32, 16, 16};
  const int before = at::get_num_threads();
  std::vector<std::vector<Tensor>> results;
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    const Problem problem(s, torch::kFloat32);
    const Tensor y = fused(problem);
    results.push_back(torch::autograd::grad({y}, problem.leaves(), {problem.dy}));
    results.back().push_back(y);
  }
  at::set_num_threads(before);
  for (size_t i = 0; i < results[0].size(); ++i) CHECK(torch::equal(results[0][i], results[1][i]));
}

TEST_CASE("batch norm with relu is differentiable twice") {
  const Setting s{2, 3, 4};
  const auto second = [](const Problem& p, const Tensor& y) {
    const auto first = torch::autograd::grad({y}, p.leaves(), {p.dy}, true, true);
    return torch::autograd::grad({first[0].pow(2).sum() + first[1].pow(3).sum() + first[2].pow(2).sum()}, p.leaves());
  };
  const Problem ours(s, torch::kFloat64), theirs(s, torch::kFloat64);
  const auto found = second(ours, fused(ours)), wanted = second(theirs, plain(theirs));
  for (size_t i = 0; i < found.size(); ++i) check_close(found[i], wanted[i], 1e-9);
}

// The place of dy is dx's where no one else has dy.
TEST_CASE("the gradient of batch norm with relu takes the place of the one it is made of, unless that is held") {
  const Problem p({2, 16, 4}, torch::kFloat32), held({2, 16, 4}, torch::kFloat32);
  const void *of_y = nullptr, *of_x = nullptr;
  const Tensor y = fused(p), scaled = y * 2;  // whose node makes dy anew
  y.register_hook([&](const Tensor& dy) { of_y = dy.data_ptr(); });
  p.x.register_hook([&](const Tensor& dx) { of_x = dx.data_ptr(); });
  const auto found = torch::autograd::grad({scaled}, p.leaves(), {p.dy / 2});
  CHECK(of_x == of_y);

  const Tensor before = held.dy.clone();
  const auto wanted = torch::autograd::grad({fused(held)}, held.leaves(), {held.dy});
  CHECK(torch::equal(held.dy, before));
  for (size_t i = 0; i < found.size(); ++i) CHECK(torch::equal(found[i], wanted[i]));
}

TEST_CASE("batch norm with relu lets NaN through") {
  const Setting s{2, 16, 4};
  Problem problem(s, torch::kFloat32);
  problem.x = problem.x.detach().clone();
  problem.x[1][5][2][3] = std::numeric_limits<float>::quiet_NaN();
  const Tensor y = fused(problem);
  CHECK(y.select(1, 5).isnan().all().item<bool>());
  CHECK(problem.norm.running_var.isnan().sum().item<int64_t>() == 1);
  CHECK_FALSE(y.select(1, 4).isnan().any().item<bool>());
}

TEST_CASE("batch norm with relu refuses what it cannot take, and the layer goes the plain way") {
  const Setting s{2, 3, 4};
  Problem problem(s, torch::kFloat32);
  CHECK(batch_norm_relu_fits(problem.x, problem.norm));
  CHECK_FALSE(batch_norm_relu_fits(problem.x.contiguous(), problem.norm));
  CHECK_FALSE(batch_norm_relu_fits(problem.x.to(torch::kBFloat16), problem.norm));
  CHECK_FALSE(
      batch_norm_relu_fits(torch::randn({2, 3, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast), problem.norm));
  problem.norm.training = false;  // with gradients
  CHECK_FALSE(batch_norm_relu_fits(problem.x, problem.norm));

  Norm norm(NormKind::batch, 3, 2);
  const Tensor odd = torch::randn({2, 3, 3, 3});
  check_close(norm->activated(odd, Activation::relu, 1), torch::relu(norm->forward(odd, 1)), 1e-6);
  CHECK(norm->running_mean[0].eq(0).all().item<bool>());
  CHECK(norm->running_mean[1].ne(0).all().item<bool>());
  norm->activated(problem.x, Activation::relu, 0);
  CHECK(norm->running_mean[0].ne(0).all().item<bool>());
}

}  // namespace optdnn::modules
