// What stands before, between and after the stages of a network. All are maps of one tensor.
#pragma once

#include "optdnn/models/spec.h"

namespace optdnn::models {

class End : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
};

// Where the config names none: a convolution for images; for vectors the identity where the width is the input's, else
// a linear map.
StemSpec default_stem(const NetworkShape& shape, int64_t width);
// pool_linear for images, linear for vectors.
HeadSpec default_head(const NetworkShape& shape);

// Shapes: B x (input) -> B x width x (image), or B x width. Errors: ConfigError where stem and input do not fit.
std::shared_ptr<End> make_stem(const std::optional<StemSpec>& spec, const NetworkShape& shape, int64_t width);

StateAcross state_across(const TransitionSpec& spec);

// Whether a stage hands on all its iterates side by side, (depth+1) times its width.
bool hands_on_iterates(const TransitionSpec& spec);

// Errors: ConfigError if padding would have to narrow the state, or the map is for images alone.
void check_transition(const TransitionSpec& spec, int64_t width_before, int64_t width_after, bool image);

// Linear, so that zero stays zero, where a state may be carried through it. Images halve in height and width. `parts`:
// equal ones that the width before consists of, as in the DenseNet setting; likewise of a head.
std::shared_ptr<End> make_transition(const TransitionSpec& spec, int64_t width_before, int64_t width_after, bool image,
                                     int64_t parts = 1);

// Shapes: the state -> B x outputs.
std::shared_ptr<End> make_head(const std::optional<HeadSpec>& spec, const NetworkShape& shape, int64_t width,
                               int64_t parts = 1);

// Every second pixel, with zero channels (features) appended: option A of He et al. 2016.
torch::Tensor subsample_and_pad(const torch::Tensor& x, int64_t width, int64_t stride);

}  // namespace optdnn::models
