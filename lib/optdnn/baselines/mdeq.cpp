#include "optdnn/baselines/mdeq.h"

#include <numeric>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/solvers/packing.h"

namespace optdnn::baselines {

using modules::Norm;
using modules::NormalisedConvolution;
using torch::Tensor;

void check(const MdeqSpec& spec, const NetworkShape& shape) {
  if (!shape.is_image()) throw base::ConfigError("model 'mdeq' wants images, the data set has vectors", "model: mlp");
  const int64_t factor = int64_t{1} << std::min<size_t>(spec.width.size() - 1, 20);
  for (const int64_t size : {shape.input[1], shape.input[2]}) {
    if (size % factor == 0) continue;
    throw base::ConfigError(base::concat("model 'mdeq' halves its images ", spec.width.size() - 1,
                                         " times, but they have ", shape.input[1], " x ", shape.input[2], " pixels"),
                            "fewer entries in width");
  }
}

namespace {

// A convolution with weight norm, then GroupNorm. The weights are normalised once a solve, by refresh().
struct NormedConvolution : torch::nn::Module {
  NormedConvolution(int64_t inputs, int64_t outputs, int64_t kernel_px, int64_t stride = 1)
      : conv(register_module(
            "conv", NormalisedConvolution(inputs, outputs, kernel_px, stride, modules::Normalisation::weight))),
        norm(register_module("norm", Norm(modules::NormKind::group, outputs))) {}
  void refresh() { kernel = conv->kernel(); }
  Tensor convolved(const Tensor& x) { return conv->apply(x, kernel); }
  Tensor forward(const Tensor& x) { return norm->forward(convolved(x)); }

  NormalisedConvolution conv;
  Norm norm;
  Tensor kernel;
};

}  // namespace

struct MdeqImpl::Scale : torch::nn::Module {
  Scale(const std::vector<int64_t>& width, size_t place)
      : conv1(add("conv1", width[place], width[place], 3)),
        conv2(add("conv2", width[place], width[place], 3)),
        post(add("post", width[place], width[place], 1)),
        last(register_module("last", Norm(modules::NormKind::group, width[place]))) {
    for (size_t from = 0; from < width.size(); ++from) {
      auto& chain = resample.emplace_back();
      const std::string name = base::concat("from_", from, "_");
      for (size_t at = from; at < place; ++at) {
        const int64_t outputs = at + 1 == place ? width[place] : width[from];
        chain.push_back(add(base::concat(name, at - from), width[from], outputs, 3, 2));
      }
      if (from > place) chain.push_back(add(name + "0", width[from], width[place], 1));
    }
  }

  std::shared_ptr<NormedConvolution> add(const std::string& name, int64_t inputs, int64_t outputs, int64_t kernel_px,
                                         int64_t stride = 1) {
    all.push_back(register_module(name, std::make_shared<NormedConvolution>(inputs, outputs, kernel_px, stride)));
    return all.back();
  }

  Tensor block(const Tensor& z, const Tensor& x) {
    const Tensor hidden = conv2->convolved(torch::relu(conv1->forward(z)));
    return torch::relu(z + conv2->norm->forward(x.defined() ? hidden + x : hidden));
  }

  Tensor resampled(const Tensor& h, size_t from, int64_t height) {
    Tensor y;
    for (const auto& conv : resample[from]) y = conv->forward(y.defined() ? torch::relu(y) : h);
    const int64_t factor = height / y.size(2);
    return factor > 1 ? torch::upsample_nearest2d(y, {height, y.size(3) * factor}) : y;
  }

  std::vector<std::shared_ptr<NormedConvolution>> all;
  std::shared_ptr<NormedConvolution> conv1, conv2, post;
  Norm last;
  std::vector<std::vector<std::shared_ptr<NormedConvolution>>> resample;  // by the scale it comes from
};

MdeqImpl::MdeqImpl(const MdeqSpec& spec, const NetworkShape& shape)
    : stem_norm_(modules::NormKind::batch, spec.width.front()), solver_(spec.solver) {
  check(spec, shape);
  stem_ = register_module("stem", models::make_stem(models::ConvStem{}, shape, spec.width.front()));
  register_module("stem_norm", stem_norm_);
  for (size_t i = 0; i < spec.width.size(); ++i)
    scales_.push_back(register_module(base::concat("scale_", i), std::make_shared<Scale>(spec.width, i)));
  register_module("solver", solver_);
  const int64_t features = std::accumulate(spec.width.begin(), spec.width.end(), int64_t{0});
  linear_ = register_module("linear", modules::Affine(features, shape.outputs));
}

std::vector<Tensor> MdeqImpl::transform(const std::vector<Tensor>& states, const Tensor& x) {
  std::vector<Tensor> blocks, next;
  for (size_t i = 0; i < scales_.size(); ++i) blocks.push_back(scales_[i]->block(states[i], i == 0 ? x : Tensor()));
  for (size_t i = 0; i < scales_.size(); ++i) {
    Tensor sum = blocks[i];
    for (size_t j = 0; j < scales_.size(); ++j) {
      if (j != i) sum = sum + scales_[i]->resampled(blocks[j], j, states[i].size(2));
    }
    next.push_back(scales_[i]->post->forward(torch::relu(sum)));
  }
  return next;
}

Tensor MdeqImpl::forward(const Tensor& images_BCHW) {
  const Tensor x = stem_norm_->activated(stem_->forward(images_BCHW), modules::Activation::relu);
  std::vector<Tensor> like;
  for (size_t i = 0; i < scales_.size(); ++i) {
    for (const auto& conv : scales_[i]->all) conv->refresh();
    const int64_t width = scales_[i]->last->weight.size(0);
    like.push_back(torch::empty({x.size(0), width, x.size(2) >> i, x.size(3) >> i}, x.options().requires_grad(false),
                                x.suggest_memory_format()));
  }
  const solvers::Packing packing(like);
  const solvers::Map F = [&](const Tensor& rows) { return packing.pack(transform(packing.unpack(rows), x)); };
  std::vector<Tensor> features;
  const std::vector<Tensor> states = packing.unpack(solver_->solve(F, packing.zeros()));
  for (size_t i = 0; i < states.size(); ++i)
    features.push_back(torch::relu(scales_[i]->last->forward(states[i])).mean({2, 3}));
  return linear_->forward(torch::cat(features, 1));
}

}  // namespace optdnn::baselines
