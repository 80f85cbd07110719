#include "optdnn/training/checkpoint.h"

#include <charconv>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"

namespace optdnn::training {

namespace {

constexpr const char* kStateFile = "state.safetensors";
constexpr const char* kFormat = "optdnn training state 1";

template <class Number>
Number metadata_number(const Safetensors& file, const std::string& key, const std::filesystem::path& path) {
  Number value{};
  const auto entry = file.metadata.find(key);
  const std::string text = entry == file.metadata.end() ? "" : entry->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw base::EnvironmentError(
        base::concat(path.string(), ": '", key, "' in the metadata is no number: '", text, "'"));
  }
  return value;
}

}  // namespace

void save_state(const std::filesystem::path& folder, const TrainState& state) {
  Safetensors file{state.tensors,
                   {{"format", kFormat},
                    {"iteration", std::to_string(state.iteration)},
                    {"seconds", base::number_text(state.seconds)}}};
  if (state.best) {
    file.metadata["best"] = base::number_text(*state.best);
    file.metadata["best_iteration"] = std::to_string(state.best_iteration);
  }
  write_safetensors(folder / kStateFile, file);
}

std::optional<TrainState> load_state(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kStateFile;
  if (!std::filesystem::exists(path)) return {};
  Safetensors file = read_safetensors(path);
  if (file.metadata["format"] != kFormat) {
    throw base::EnvironmentError(base::concat(path.string(), ": not a training state of this version"),
                                 "move the run's folder away to begin anew");
  }
  TrainState state;
  state.iteration = metadata_number<int64_t>(file, "iteration", path);
  if (state.iteration < 0) throw base::EnvironmentError(path.string() + ": a negative iteration in the metadata");
  state.seconds = metadata_number<double>(file, "seconds", path);
  if (file.metadata.contains("best")) {
    state.best = metadata_number<double>(file, "best", path);
    state.best_iteration = metadata_number<int64_t>(file, "best_iteration", path);
  }
  state.tensors = std::move(file.tensors);
  return state;
}

TensorMap named_weights(const torch::nn::Module& module) {
  TensorMap weights;
  for (const auto& item : module.named_parameters()) weights[item.key()] = item.value().detach();
  for (const auto& item : module.named_buffers()) weights[item.key()] = item.value().detach();
  return weights;
}

void copy_tensors(const TensorMap& source, TensorMap& target, const std::string& what) {
  std::vector<std::string> wrong;
  const auto shape = [](const torch::Tensor& tensor) { return base::concat(tensor.sizes()); };
  for (const auto& [name, tensor] : target) {
    const auto found = source.find(name);
    if (found == source.end()) {
      wrong.push_back(name + " is missing");
    } else if (found->second.sizes() != tensor.sizes()) {
      wrong.push_back(base::concat(name, " has the shape ", shape(found->second), " instead of ", shape(tensor)));
    }
  }
  for (const auto& [name, tensor] : source) {
    if (!target.contains(name)) wrong.push_back(name + " is not a tensor of this network");
  }
  if (!wrong.empty()) {
    const size_t shown = std::min<size_t>(wrong.size(), 5);
    const std::string rest = wrong.size() > shown ? base::concat(" and ", wrong.size() - shown, " more") : "";
    wrong.resize(shown);
    throw base::EnvironmentError(base::concat(what, " does not fit: ", base::join(wrong, ", "), rest));
  }
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : target) tensor.copy_(source.at(name));
}

void load_weights(torch::nn::Module& module, const std::filesystem::path& file) {
  TensorMap weights = named_weights(module);
  copy_tensors(read_safetensors(file).tensors, weights, file.string());
}

}  // namespace optdnn::training
