#include "optdnn/experiment/weights.h"

#include <cmath>

#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/models/timm_names.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/precision.h"
#include "optdnn/training/seal.h"

namespace optdnn::experiment {

using training::TensorMap;

namespace {

std::vector<std::string> names_of(const TensorMap& tensors) {
  std::vector<std::string> names;
  for (const auto& item : tensors) names.push_back(item.first);
  return names;
}

// A file's tensors by our names, whichever it uses.
TensorMap by_our_names(TensorMap tensors, const TensorMap& target) {
  for (const auto& [ours, theirs] : models::timm_names(names_of(target))) {
    if (ours == theirs || tensors.contains(ours) || !tensors.contains(theirs)) continue;
    auto entry = tensors.extract(theirs);
    entry.key() = ours;
    tensors.insert(std::move(entry));
  }
  return tensors;
}

// Shapes: 1 x (1 + side^2) x D for one side -> for another; the class token's position stays.
torch::Tensor interpolated_positions(const torch::Tensor& from, int64_t tokens) {
  const auto side_of = [](int64_t count) { return std::llround(std::sqrt(static_cast<double>(count - 1))); };
  const int64_t before = side_of(from.size(1)), after = side_of(tokens);
  if (before * before + 1 != from.size(1) || after * after + 1 != tokens) return from;
  const torch::Tensor grid_1DHW =
      from.slice(1, 1).to(torch::kFloat32).view({1, before, before, -1}).permute({0, 3, 1, 2});
  const torch::Tensor resized = at::_upsample_bicubic2d_aa(grid_1DHW, {after, after}, /*align_corners=*/false);
  return torch::cat({from.slice(1, 0, 1).to(torch::kFloat32), resized.flatten(2).transpose(1, 2)}, 1);
}

}  // namespace

void load_named_weights(torch::nn::Module& module, const std::filesystem::path& file) {
  TensorMap target = training::named_weights(module);
  const TensorMap source = by_our_names(training::read_sealed(file).tensors, target);
  training::copy_tensors(source, target, file.string());
}

void begin_at(torch::nn::Module& module, const std::filesystem::path& file) {
  TensorMap target = training::named_weights(module);
  TensorMap source = by_our_names(training::read_sealed(file).tensors, target);
  for (const char* name : {"head.linear.weight", "head.linear.bias"}) {
    const auto found = source.find(name), wanted = target.find(name);
    if (found == source.end() || wanted == target.end() || found->second.sizes() == wanted->second.sizes()) continue;
    base::log_info(base::concat(file.string(), ": ", name, " is for other outputs and stays as it was drawn"));
    source.erase(found);
    target.erase(wanted);
  }
  std::erase_if(target, [&](const auto& item) {
    return item.first.find(".coefficients.") != std::string::npos && !source.contains(item.first);
  });
  const auto positions = source.find("stem.pos_embed"), wanted = target.find("stem.pos_embed");
  if (positions != source.end() && wanted != target.end() && positions->second.dim() == 3 &&
      positions->second.size(1) != wanted->second.size(1)) {
    positions->second = interpolated_positions(positions->second, wanted->second.size(1));
  }
  training::copy_tensors(source, target, file.string());
}

void write_sample(models::Network& network, const data::Loader& loader, const training::TrainSpec& train,
                  const torch::Device& device, const std::filesystem::path& to) {
  const torch::NoGradGuard no_grad;
  const data::Batch batch = *loader.epoch(0).next();
  network.module.ptr()->eval();
  const torch::Tensor inputs = training::prepared(batch.inputs, device, train.precision, train.channels_last),
                      outputs = training::forward_pass(network.module, inputs, train.precision, device);
  training::write_safetensors(to, {{{"inputs", batch.inputs}, {"targets", batch.targets}, {"outputs", outputs}}, {}});
}

}  // namespace optdnn::experiment
