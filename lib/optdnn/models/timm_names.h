// The names that timm (github.com/huggingface/pytorch-image-models) gives the weights of ConvNeXt and ViT, so that
// weights move both ways. An isotropic ConvNeXt is, in these names, a ConvNeXt of one stage.
//
//   stem.conv.weight               stem.0.weight                  patch_embed.proj.weight
//   stage_1.T.2.mlp.fc1.bias       stages.1.blocks.2.mlp.fc1.bias
//   stage_0.T.2.attn.qkv.weight                                   blocks.2.attn.qkv.weight
//   transition_1.norm.weight       stages.1.downsample.0.weight
//   head.linear.weight             head.fc.weight                 head.weight
#pragma once

#include <map>
#include <string>
#include <vector>

namespace optdnn::models {

// Our names with timm's, those of ViT where there is a class token. Names that timm has none for (coefficients, modules
// of other families) stand for themselves.
std::map<std::string, std::string> timm_names(const std::vector<std::string>& ours);

}  // namespace optdnn::models
