// convnext: T(x) = g * fc2 s(fc1 LN DW(x)), DW a depthwise convolution, LN and the linear maps over the channels of
// each pixel, g a learnable scale per channel. x + T(x) is a block of ConvNeXt. Parameters have timm's names. Source:
// Liu et al., "A ConvNet for the 2020s", CVPR 2022, arXiv 2201.03545.
#pragma once

#include "optdnn/config/fields.h"
#include "optdnn/modules/count.h"
#include "optdnn/modules/module.h"
#include "optdnn/modules/sharing.h"
#include "optdnn/modules/traits.h"
#include "optdnn/modules/vision_layers.h"

namespace optdnn::modules {

struct ConvNextSpec {
  static constexpr std::string_view kName = "convnext";
  static constexpr std::string_view kHelp = "depthwise convolution, layer norm, linear, s, linear, for images";
  int64_t kernel_px = 7;
  int64_t expansion = 4;
  Activation activation = Activation::gelu;
  double layer_scale = 1e-6;
  double drop_path = 0.0;
  Sharing sharing = Sharing::per_step;

  template <class Fields>
  void fields(Fields& f) {
    f("kernel_px", kernel_px, config::between(1, 31), "size of the depthwise kernel, odd");
    f("expansion", expansion, config::between(1, 64), "hidden channels per channel of the state");
    f("activation", activation, "s");
    f("layer_scale", layer_scale, config::at_least(0), "initial value of a learnable scale per channel; 0: no scale");
    f("drop_path", drop_path, config::at_least(0) & config::less_than(1),
      "how often T is left out for a sample, at the last step; linear in the step from 0 at the first");
    f("sharing", sharing, "weights per step, or one set for all steps of a stage");
  }
  Traits traits() const { return {.draws_at_random = drop_path > 0}; }
  void check(int64_t width) const;  // Errors: ConfigError for an even kernel.
  Count count(int64_t width, const Extent& at) const;
  std::shared_ptr<Module> make(int64_t width, int64_t uses, Steps steps) const;
};

class ConvNext : public Module {
 public:
  ConvNext(const ConvNextSpec& spec, int64_t width, Steps steps);
  torch::Tensor forward(const torch::Tensor& x_BCHW, int64_t step) override;
  std::vector<torch::Tensor> last_layer() override;

 private:
  double drop_path_;
  Steps steps_;
  BiasedConvolution conv_dw_;
  LastNorm norm_;
  TwoLayers mlp_;
  torch::Tensor gamma_;  // undefined: no scale
};

}  // namespace optdnn::modules
