// The make-believe device itself: what it counts, what it calls waiting, and that its graphs are graphs.
#include "optdnn/data/upload.h"
#include "support/mock_graph.h"
#include "support/on_device.h"

using namespace optdnn;
using namespace optdnn::tests;
using torch::Tensor;

namespace {

Tensor on_mock(std::vector<double> values) { return torch::tensor(values).to(mock_device()); }

std::vector<std::string> waits_of(const std::function<void()>& work) {
  const MockWatch watch;
  work();
  return watch.waits();
}

}  // namespace

TEST_CASE("the device counts operators, not views") {
  if (!accelerator()) return;
  const Tensor x = torch::ones({4, 3}, torch::TensorOptions().device(mock_device()));
  const MockWatch watch;
  const Tensor y = x.transpose(0, 1).select(0, 1).view({2, 2}).add(1).mul_(2);
  REQUIRE(watch.operators() == std::map<std::string, int64_t>{{"add", 1}, {"mul", 1}});
  REQUIRE(watch.calls()[0].text.find(" @") != std::string::npos);  // of x, which was there before
  REQUIRE(watch.calls()[1].text.find(" @") == std::string::npos);
}

TEST_CASE("what makes the host wait on CUDA is named, and nothing else") {
  if (!accelerator()) return;
  const Tensor x = on_mock({1, -2, 3}), flags = x.gt(0), number = on_mock({7}).squeeze();
  const Tensor paged = torch::ones(3), pinned = paged.pin_memory();
  REQUIRE(pinned.is_pinned());
  for (const std::function<void()>& waiting : std::vector<std::function<void()>>{
           [&] { x.sum().item(); }, [&] { x.cpu(); }, [&] { x.clone().copy_(paged, true); }, [&] { x.index({flags}); },
           [&] { x.clone().masked_fill_(flags, number); }, [&] { x.masked_select(flags); }, [&] { flags.nonzero(); },
           [&] { x.equal(x); }, [&] { x.clone().copy_(pinned); }}) {
    REQUIRE_FALSE(waits_of(waiting).empty());
  }
  for (const std::function<void()>& going_on : std::vector<std::function<void()>>{
           [&] { x.clone().copy_(pinned, true); }, [&] { x.clone().masked_fill_(flags, 7.0); },
           [&] { torch::where(flags, number, x); }, [&] { x.index({torch::arange(2, flags.device())}); },
           [&] { data::upload(paged, mock_device()); }}) {
    REQUIRE(waits_of(going_on).empty());
  }
}

TEST_CASE("the device's gradients of a 1x1 convolution with a stride are right for few channels") {
  if (!accelerator()) return;
  torch::manual_seed(3);
  for (int64_t channels = 1; channels <= 8; ++channels) {
    CAPTURE(channels);
    const Tensor x = torch::randn({16, channels, 32, 32}).contiguous(at::MemoryFormat::ChannelsLast);
    const Tensor w = torch::randn({2 * channels, channels, 1, 1});
    const auto gradients_on = [&](const torch::TensorOptions& where) {
      const Tensor own_x = x.to(where).requires_grad_(), own_w = w.to(where).requires_grad_();
      torch::conv2d(own_x, own_w, {}, 2).square().sum().backward();
      return std::vector{own_x.grad().cpu().to(torch::kFloat64), own_w.grad().cpu().to(torch::kFloat64)};
    };
    const auto found = gradients_on(mock_device()), right = gradients_on(torch::kFloat64);
    for (int i = 0; i < 2; ++i) CHECK(((found[i] - right[i]).norm() / right[i].norm()).item<double>() < 1e-5);
  }
}

TEST_CASE("uploads carry a dimension that only repeats once, and keep the shape") {
  if (!accelerator()) return;
  const Tensor repeated = torch::arange(6.0).view({2, 3}).unsqueeze(0).expand({4, 2, 3});
  const MockWatch watch;
  const Tensor there = data::upload(repeated, mock_device());
  REQUIRE(watch.waits().empty());
  REQUIRE(watch.operators() == std::map<std::string, int64_t>{{"upload", 1}});
  REQUIRE(there.sizes() == repeated.sizes());
  REQUIRE(there.storage().nbytes() == 6 * sizeof(float));
  REQUIRE(there.cpu().equal(repeated));
}

TEST_CASE("recording computes nothing; a replay works on the memory and with the host's numbers of then") {
  if (!accelerator()) return;
  const Tensor x = on_mock({1, 2}), sum = on_mock({0, 0});
  double factor = 2;
  MockGraph graph;
  graph.record([&] { sum.add_(x.mul(factor)); });
  REQUIRE(sum.cpu().sum().item<double>() == 0);
  factor = 100;
  x.add_(1);
  graph.replay();
  REQUIRE(sum.cpu().equal(torch::tensor({4.0f, 6.0f})));
  graph.replay();
  REQUIRE(sum.cpu().equal(torch::tensor({8.0f, 12.0f})));
}

TEST_CASE("what a replay reads and has not written is what another graph left there") {
  if (!accelerator()) return;
  const Tensor x = on_mock({1, 2}), kept = on_mock({0, 0});
  MockGraph graph;
  graph.record([&] {
    x.add_(torch::empty_like(x));
    kept.copy_(torch::zeros_like(x));
  });
  graph.replay();
  REQUIRE(x.cpu().isnan().all().item<bool>());
  REQUIRE(kept.cpu().sum().item<double>() == 0);
}

TEST_CASE("what a graph cannot keep is an error when it is recorded, and the device is as it was") {
  if (!accelerator()) return;
  const Tensor x = on_mock({1, 2});
  for (const std::function<void()>& work : std::vector<std::function<void()>>{
           [&] { x.add_(1).sum().item(); }, [&] { x.add_(torch::ones(2).to(mock_device())); },
           [&] { x.add_(1).masked_fill_(x.gt(0), x.select(0, 0)); }}) {
    MockGraph graph;
    REQUIRE_THROWS_AS(graph.record(work), c10::Error);
    REQUIRE(x.cpu().equal(torch::tensor({1.0f, 2.0f})));
  }
}

TEST_CASE("numbers of the host that change, other memory and other operators are told apart") {
  if (!accelerator()) return;
  double factor = 2;
  bool more = false;
  Tensor x = on_mock({1, 2});
  const auto work = [&] {
    x.mul_(factor);
    if (more) x.add_(1);
  };
  ComparingGraph graph;
  graph.record(work);
  REQUIRE_NOTHROW(graph.replay());
  factor = 3;
  REQUIRE_THROWS_AS(graph.replay(), c10::Error);
  factor = 2, more = true;
  REQUIRE_THROWS_AS(graph.replay(), c10::Error);
  more = false, x = on_mock({1, 2});
  REQUIRE_THROWS_AS(graph.replay(), c10::Error);
}
