// Gradient checkpointing changes memory and nothing else.
#include "optdnn/execution/recompute.h"

#include <ATen/autocast_mode.h>

#include "models/vision_nets.h"
#include "optdnn/base/random.h"

using namespace optdnn;
using namespace optdnn::tests;
using torch::Tensor;

namespace {

const models::NetworkShape kShape{{3, 16, 16}, 5};

struct Recomputed {
  Tensor outputs;
  std::vector<Tensor> gradients, buffers;
  int64_t saved_bytes = 0;
};

Recomputed outcome(models::OptNetSpec spec, bool recompute, bool bfloat16) {
  spec.recompute = recompute;
  base::seed_torch(6);
  models::Network network = models::make_opt_net(catalogue_rule("apg2"), spec, kShape);
  torch::nn::Module& module = *network.module.ptr();
  module.train();
  const Tensor images = torch::randn({4, 3, 16, 16});
  Recomputed result;
  at::autocast::set_autocast_enabled(torch::kCPU, bfloat16);
  result.outputs = network.forward(images);
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(torch::kCPU, false);
  (result.outputs.to(torch::kFloat32) * torch::randn({4, 5})).sum().backward();
  for (const Tensor& parameter : module.parameters()) result.gradients.push_back(parameter.grad());
  for (const Tensor& buffer : module.buffers()) result.buffers.push_back(buffer.clone());
  return result;
}

// Gradients may be summed in another order or layout: shared weights, whose copies in 16 bits are otherwise one.
void require_close(const Tensor& a, const Tensor& b, double tolerance) {
  const double scale = a.abs().max().item<double>();
  REQUIRE((a - b).abs().max().item<double>() <= tolerance * scale + 1e-12);
}

}  // namespace

TEST_CASE("with modules run again, outputs and batch statistics are the same bits, gradients equal to rounding") {
  models::OptNetSpec dropping = convnext_spec({2, 3}, {8, 8});
  std::get<modules::ConvNextSpec>(dropping.modules.front()).drop_path = 0.5;
  std::get<modules::ConvNextSpec>(dropping.modules.front()).layer_scale = 0.1;
  models::OptNetSpec tokens = vit_spec(4, 8, 2, 4);
  std::get<modules::TransformerSpec>(tokens.modules.front()).drop_path = 0.5;
  models::OptNetSpec shared = vit_spec(4, 8, 2, 4);
  std::get<modules::TransformerSpec>(shared.modules.front()).sharing = modules::Sharing::shared;
  models::OptNetSpec batch_norm;
  batch_norm.modules = {modules::ConvPreactSpec{}};
  batch_norm.depth = batch_norm.width = {3};
  for (const bool bfloat16 : {false, true}) {
    for (const models::OptNetSpec& spec : {dropping, tokens, shared, batch_norm}) {
      const Recomputed plain = outcome(spec, false, bfloat16), again = outcome(spec, true, bfloat16);
      REQUIRE(torch::equal(plain.outputs, again.outputs));
      for (size_t i = 0; i < plain.gradients.size(); ++i) {
        require_close(plain.gradients[i], again.gradients[i], bfloat16 ? 0.05 : 1e-4);
      }
      for (size_t i = 0; i < plain.buffers.size(); ++i) REQUIRE(torch::equal(plain.buffers[i], again.buffers[i]));
    }
  }
}

TEST_CASE("random numbers drawn after the backward pass are the same, too") {
  models::OptNetSpec spec = vit_spec(3, 8, 2, 4);
  std::get<modules::TransformerSpec>(spec.modules.front()).drop_path = 0.5;
  outcome(spec, false, false);
  const Tensor plain = torch::rand({4});
  outcome(spec, true, false);
  REQUIRE(torch::equal(torch::rand({4}), plain));
}
