// transformer: T(z) = a + MLP(LN(z + a)), a = Attn(LN z), so that z + T(z) is a block of ViT. The state is tokens
// B x N x D, or an image whose pixels are the tokens. Parameters have timm's names.
// Source: Dosovitskiy et al., ICLR 2021, arXiv 2010.11929, as DeiT trains it (Touvron et al. 2021).
#pragma once

#include "optdnn/config/fields.h"
#include "optdnn/modules/count.h"
#include "optdnn/modules/module.h"
#include "optdnn/modules/sharing.h"
#include "optdnn/modules/traits.h"
#include "optdnn/modules/vision_layers.h"

namespace optdnn::modules {

struct TransformerSpec {
  static constexpr std::string_view kName = "transformer";
  static constexpr std::string_view kHelp =
      "self-attention and a two-layer network, for tokens or the pixels of images";
  int64_t heads = 4;
  int64_t expansion = 4;
  Activation activation = Activation::gelu;
  double drop_path = 0.0;
  Sharing sharing = Sharing::per_step;

  template <class Fields>
  void fields(Fields& f) {
    f("heads", heads, config::between(1, 1024), "attention heads; they divide the width");
    f("expansion", expansion, config::between(1, 64), "hidden features of the two-layer network per feature");
    f("activation", activation, "of the two-layer network");
    f("drop_path", drop_path, config::at_least(0) & config::less_than(1),
      "how often attention, and the network after it, is left out for a sample, at the last step; linear in the step");
    f("sharing", sharing, "weights per step, or one set for all steps of a stage");
  }
  Traits traits() const { return {.on_tokens = true, .draws_at_random = drop_path > 0}; }
  void check(int64_t width) const;  // Errors: ConfigError if the heads do not divide the width.
  Count count(int64_t width, const Extent& at) const;
  std::shared_ptr<Module> make(int64_t width, int64_t uses, Steps steps) const;
};

// Softmax(Q K^T / sqrt(D / heads)) V, projected. Shapes: tokens_BND -> BND.
class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(int64_t width, int64_t heads);
  torch::Tensor forward(const torch::Tensor& tokens_BND);
  Projection qkv, proj;

 private:
  int64_t heads_;
};
TORCH_MODULE(Attention);

class Transformer : public Module {
 public:
  Transformer(const TransformerSpec& spec, int64_t width, Steps steps);
  torch::Tensor forward(const torch::Tensor& x, int64_t step) override;
  std::vector<torch::Tensor> last_layer() override;

 private:
  torch::Tensor of_tokens(const torch::Tensor& z_BND, double drop);

  double drop_path_;
  Steps steps_;
  LastNorm norm1_;
  Attention attn_;
  LastNorm norm2_;
  TwoLayers mlp_;
};

}  // namespace optdnn::modules
