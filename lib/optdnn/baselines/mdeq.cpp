#include "optdnn/baselines/mdeq.h"

#include <numeric>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/baselines/kept_states.h"
#include "optdnn/modules/normalised_convolution.h"
#include "optdnn/solvers/packing.h"

namespace optdnn::baselines {

using base::concat;
using modules::Convolution;
using modules::Norm;
using modules::NormKind;
using torch::Tensor;

namespace {

constexpr int64_t kGroupsAfterFusion = 4;

void start_small(torch::nn::Module& network) {
  torch::NoGradGuard no_grad;
  const auto parts = network.modules(/*include_self=*/false);
  for (const auto& module : parts) {
    if (auto* conv = module->as<torch::nn::Conv2d>()) conv->bias.normal_(0.0, kEquilibriumDeviation);
  }
  for (const auto& parameter : network.parameters()) {
    if (parameter.dim() == 4) parameter.normal_(0.0, kEquilibriumDeviation);
  }
  for (const auto& module : parts) {
    if (auto* conv = module->as<modules::NormalisedConvolution>()) conv->gain.copy_(conv->weight.flatten(1).norm(2, 1));
  }
}

}  // namespace

void MdeqSpec::check(const NetworkShape& shape) const {
  require_images(kName, shape);
  if (head_width.size() != width.size()) {
    throw base::ConfigError(
        concat("model 'mdeq' has ", width.size(), " scales, but head_width has ", head_width.size(), " entries"),
        "one entry per scale in both");
  }
  const int64_t factor = int64_t{1} << std::min<size_t>(width.size() - 1, 20);
  for (const int64_t size : {shape.input[1], shape.input[2]}) {
    if (size % factor == 0) continue;
    throw base::ConfigError(concat("model 'mdeq' halves its images ", width.size() - 1, " times, but they have ",
                                   shape.input[1], " x ", shape.input[2], " pixels"),
                            "fewer entries in width");
  }
}

Count MdeqSpec::count(const NetworkShape& shape) const {
  using modules::Extent;
  const Extent finest{shape.input[1], shape.input[2]};
  const auto norm = [](int64_t channels, const Extent& at) {
    return modules::count_norm(NormKind::group, channels, at.positions());
  };
  const auto normalised = [](int64_t inputs, int64_t outputs, int64_t kernel_px, const Extent& at) {
    return modules::count_normalised_convolution(inputs, outputs, kernel_px, at, modules::Normalisation::weight);
  };
  Count transformation;
  for (size_t place = 0; place < width.size(); ++place) {
    const int64_t channels = width[place], inside = expansion * channels;
    const auto extent = [&](size_t scale) { return Extent{finest.height >> scale, finest.width >> scale}; };
    const Extent here = extent(place);
    transformation += normalised(channels, inside, 3, here) + norm(inside, here) +
                      normalised(inside, channels, 3, here) + norm(channels, here) + norm(channels, here) +
                      normalised(channels, channels, 1, here) + norm(channels, here) +
                      Count{0, 0, 2 * channels * here.positions()};
    for (size_t from = 0; from < width.size(); ++from) {
      for (size_t at = from; at < place; ++at) {
        const int64_t outputs = at + 1 == place ? channels : width[from];
        transformation +=
            modules::count_convolution(width[from], outputs, 3, extent(at + 1)) + norm(outputs, extent(at + 1));
      }
      if (from > place) {
        transformation +=
            modules::count_convolution(width[from], channels, 1, extent(from)) + norm(channels, extent(from));
      }
    }
  }
  const auto stem = [&](int64_t inputs) {
    return modules::count_convolution(inputs, width.front(), 3, finest) +
           modules::count_norm(NormKind::batch, width.front(), finest.positions());
  };
  return stem(shape.input[0]) + stem(width.front()) + models::solved(transformation, solver) +
         count_mdeq_head(*this, finest, shape.outputs);
}

models::Network MdeqSpec::make(const NetworkShape& shape) const {
  return {torch::nn::AnyModule(Mdeq(*this, shape)), nullptr};
}

// A convolution with weight norm. The weights are normalised once a pass, by refresh().
struct MdeqImpl::OnceNormalised : torch::nn::Module {
  OnceNormalised(int64_t inputs, int64_t outputs, int64_t kernel_px)
      : conv(register_module(
            "conv", modules::NormalisedConvolution(inputs, outputs, kernel_px, 1, modules::Normalisation::weight))) {}
  void refresh() { kernel = conv->kernel(); }
  Tensor forward(const Tensor& x) { return conv->apply(x, kernel); }

  modules::NormalisedConvolution conv;
  Tensor kernel;
};

// A convolution and GroupNorm, between scales.
struct MdeqImpl::Resampling : torch::nn::Module {
  Resampling(int64_t inputs, int64_t outputs, int64_t kernel_px, int64_t stride)
      : conv(register_module("conv", Convolution(inputs, outputs, kernel_px, stride))),
        norm(register_module("norm", Norm(NormKind::group, outputs))) {}
  Tensor forward(const Tensor& x) { return norm->forward(conv->forward(x)); }

  Convolution conv;
  Norm norm;
};

struct MdeqImpl::Scale : torch::nn::Module {
  Scale(const MdeqSpec& spec, size_t place)
      : width(spec.width[place]),
        conv1(register_module("conv1", std::make_shared<OnceNormalised>(width, spec.expansion * width, 3))),
        conv2(register_module("conv2", std::make_shared<OnceNormalised>(spec.expansion * width, width, 3))),
        post(register_module("post", std::make_shared<OnceNormalised>(width, width, 1))),
        norm1(register_module("norm1", Norm(NormKind::group, spec.expansion * width))),
        norm2(register_module("norm2", Norm(NormKind::group, width))),
        norm3(register_module("norm3", Norm(NormKind::group, width))),
        post_norm(register_module("post_norm", torch::nn::GroupNorm(std::gcd(kGroupsAfterFusion, width), width))) {
    for (size_t from = 0; from < spec.width.size(); ++from) {
      auto& chain = resample.emplace_back();
      const int64_t inputs = spec.width[from];
      for (size_t at = from; at < place; ++at) {
        const int64_t outputs = at + 1 == place ? width : inputs;
        chain.push_back(register_module(concat("from_", from, "_", at - from),
                                        std::make_shared<Resampling>(inputs, outputs, 3, 2)));
      }
      if (from > place) {
        chain.push_back(
            register_module(concat("from_", from, "_0"), std::make_shared<Resampling>(inputs, width, 1, 1)));
      }
    }
  }

  // Before every pass: the weights as they are, and a mask for all its steps.
  void begin_pass(double dropout, const Tensor& like) {
    for (const auto& conv : {conv1, conv2, post}) conv->refresh();
    mask = dropout > 0 && is_training()
               ? torch::empty({like.size(0), width, 1, 1}, like.options()).bernoulli_(1.0 - dropout) / (1.0 - dropout)
               : Tensor();
  }

  Tensor block(const Tensor& z, const Tensor& x) {
    Tensor y = conv2->forward(torch::relu(norm1->forward(conv1->forward(z))));
    if (mask.defined()) y = y * mask;
    if (x.defined()) y = y + x;
    return norm3->forward(torch::relu(z + norm2->forward(y)));
  }

  Tensor resampled(const Tensor& h, size_t from, int64_t height) {
    Tensor y;
    for (const auto& conv : resample[from]) y = conv->forward(y.defined() ? torch::relu(y) : h);
    const int64_t factor = height / y.size(2);
    return factor > 1 ? torch::upsample_nearest2d(y, {height, y.size(3) * factor}) : y;
  }

  Tensor fused(const Tensor& sum) { return post_norm->forward(post->forward(torch::relu(sum))); }

  int64_t width;
  std::shared_ptr<OnceNormalised> conv1, conv2, post;
  Norm norm1, norm2, norm3;
  torch::nn::GroupNorm post_norm;
  std::vector<std::vector<std::shared_ptr<Resampling>>> resample;  // by the scale it comes from
  Tensor mask;
};

MdeqImpl::MdeqImpl(const MdeqSpec& spec, const NetworkShape& shape)
    : spec_(spec),
      stem1_(shape.input[0], spec.width.front(), 3),
      stem2_(spec.width.front(), spec.width.front(), 3),
      norm1_(NormKind::batch, spec.width.front()),
      norm2_(NormKind::batch, spec.width.front()),
      solver_(spec.solver) {
  spec.check(shape);
  register_module("stem1", stem1_);
  register_module("norm1", norm1_);
  register_module("stem2", stem2_);
  register_module("norm2", norm2_);
  for (size_t i = 0; i < spec.width.size(); ++i)
    scales_.push_back(register_module(concat("scale_", i), std::make_shared<Scale>(spec, i)));
  register_module("solver", solver_);
  head_ = register_module("head", std::make_shared<MdeqHead>(spec, shape.outputs));
  if (spec.pretrain) passes_ = register_buffer("passes", torch::zeros({}, torch::kInt64));
  start_small(*this);
}

std::vector<Tensor> MdeqImpl::transform(const std::vector<Tensor>& states, const Tensor& x) {
  std::vector<Tensor> blocks, next;
  for (size_t i = 0; i < scales_.size(); ++i) blocks.push_back(scales_[i]->block(states[i], i == 0 ? x : Tensor()));
  for (size_t i = 0; i < scales_.size(); ++i) {
    Tensor sum = blocks[i];
    for (size_t j = 0; j < scales_.size(); ++j) {
      if (j != i) sum = sum + scales_[i]->resampled(blocks[j], j, states[i].size(2));
    }
    next.push_back(scales_[i]->fused(sum));
  }
  return next;
}

bool MdeqImpl::begins() {
  if (!spec_.pretrain || !is_training() || !torch::GradMode::is_enabled()) return false;
  const int64_t before = passes_.item<int64_t>();
  if (before < spec_.pretrain->passes) passes_ += 1;
  return before < spec_.pretrain->passes;
}

Tensor MdeqImpl::forward(const Tensor& images_BCHW) {
  using modules::Activation;
  const Tensor first = norm1_->activated(stem1_->forward(images_BCHW), Activation::relu);
  const Tensor x = norm2_->activated(stem2_->forward(first), Activation::relu);
  std::vector<Tensor> states;
  for (size_t i = 0; i < scales_.size(); ++i) {
    scales_[i]->begin_pass(spec_.dropout, x);
    states.push_back(torch::zeros({x.size(0), scales_[i]->width, x.size(2) >> i, x.size(3) >> i},
                                  x.options().requires_grad(false).memory_format(x.suggest_memory_format())));
  }
  if (begins()) {
    for (int64_t step = 0; step < spec_.pretrain->steps; ++step) states = transform(states, x);
    return head_->forward(states);
  }
  const solvers::Packing packing(states);
  const solvers::Map F = [&](const Tensor& rows) { return packing.pack(transform(packing.unpack(rows), x)); };
  const std::vector<Tensor> solved = packing.unpack(solver_->solve(F, packing.zeros()));
  for (size_t i = 0; i < solved.size(); ++i) keep_state(i, solved[i]);
  return head_->forward(solved);
}

}  // namespace optdnn::baselines
