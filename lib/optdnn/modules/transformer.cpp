#include "optdnn/modules/transformer.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::modules {

void TransformerSpec::check(int64_t width) const {
  if (width % heads != 0) {
    throw base::ConfigError(
        base::concat("module 'transformer' wants a width that is a multiple of its ", heads, " heads, not ", width));
  }
}

// Attention: Q K^T and its product with V. LibTorch's kernel keeps Q, K, V and the result, not the weights.
Count TransformerSpec::count(int64_t width, const Extent& at) const {
  const int64_t tokens = at.positions();
  const Count norm = count_norm(NormKind::layer, width, tokens);
  const Count attention{0, 2 * tokens * tokens * width, tokens * width};
  return norm + count_affine(width, 3 * width, tokens) + attention + count_affine(width, width, tokens) + norm +
         count_two_layers(width, expansion * width, activation, tokens);
}

std::shared_ptr<Module> TransformerSpec::make(int64_t width, int64_t /*uses*/, Steps steps) const {
  return std::make_shared<Transformer>(*this, width, steps);
}

AttentionImpl::AttentionImpl(int64_t width, int64_t heads)
    : qkv(register_module("qkv", Projection(width, 3 * width))),
      proj(register_module("proj", Projection(width, width))),
      heads_(heads) {}

// Q, K and V stay where the projection wrote them, and one stack is all that their gradients take on the way back to
// it: the kernels write them, and the mixed values, in the order of the tokens.
torch::Tensor AttentionImpl::forward(const torch::Tensor& tokens_BND) {
  const int64_t batch = tokens_BND.size(0), tokens = tokens_BND.size(1), width = tokens_BND.size(2);
  const auto qkv_BNHd = qkv->forward(tokens_BND).view({batch, tokens, 3, heads_, width / heads_}).unbind(2);
  const auto of_heads = [&](int i) { return qkv_BNHd[i].transpose(1, 2); };
  const auto mixed_BHNd = at::scaled_dot_product_attention(of_heads(0), of_heads(1), of_heads(2));
  return proj->forward(mixed_BHNd.transpose(1, 2).reshape({batch, tokens, width}));
}

Transformer::Transformer(const TransformerSpec& spec, int64_t width, Steps steps)
    : drop_path_(spec.drop_path),
      steps_(steps),
      norm1_(register_module("norm1", LastNorm(width))),
      attn_(register_module("attn", Attention(width, spec.heads))),
      norm2_(register_module("norm2", LastNorm(width))),
      mlp_(register_module("mlp", TwoLayers(width, spec.expansion * width, spec.activation))) {}

torch::Tensor Transformer::forward(const torch::Tensor& x, int64_t step) {
  const double drop = drop_path_ * steps_.share(step);
  if (x.dim() == 3) return of_tokens(x, drop);
  return of_tokens(x.flatten(2).transpose(1, 2), drop).transpose(1, 2).reshape(x.sizes());
}

torch::Tensor Transformer::of_tokens(const torch::Tensor& z_BND, double drop) {
  const torch::Tensor attended =
      drop_path(attn_->forward(norm1_->forward(z_BND, NormReader::product)), drop, is_training());
  return attended +
         drop_path(mlp_->forward(norm2_->forward(z_BND + attended, NormReader::product)), drop, is_training());
}

std::vector<torch::Tensor> Transformer::last_layer() {
  return {attn_->proj->weight, attn_->proj->bias, mlp_->fc2->weight, mlp_->fc2->bias};
}

}  // namespace optdnn::modules
