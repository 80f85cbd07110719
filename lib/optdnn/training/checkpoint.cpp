#include "optdnn/training/checkpoint.h"

#include <algorithm>
#include <charconv>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/training/seal.h"

namespace optdnn::training {

namespace {

namespace fs = std::filesystem;
using base::concat;

constexpr const char* kState = "state.safetensors";
constexpr const char* kNew = "state.new.safetensors";
constexpr const char* kPrevious = "state.previous.safetensors";
constexpr const char* kDamaged = "state.damaged.safetensors";
constexpr const char* kFormat = "optdnn training state 1";

template <class Number>
Number metadata_number(const Safetensors& file, const std::string& key, const fs::path& path) {
  Number value{};
  const auto entry = file.metadata.find(key);
  const std::string text = entry == file.metadata.end() ? "" : entry->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw base::EnvironmentError(concat(path.string(), ": '", key, "' in the metadata is no number: '", text, "'"));
  }
  return value;
}

void rename_over(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw base::EnvironmentError(concat("cannot rename ", from.string(), ": ", error.message()));
}

TrainState read_state(const fs::path& path) {
  Safetensors file = read_sealed(path);
  if (file.metadata["format"] != kFormat) {
    throw base::EnvironmentError(concat(path.string(), ": not a training state of this version"));
  }
  TrainState state;
  state.iteration = metadata_number<int64_t>(file, "iteration", path);
  if (state.iteration < 0) throw base::EnvironmentError(path.string() + ": a negative iteration in the metadata");
  state.seconds = metadata_number<double>(file, "seconds", path);
  if (file.metadata.contains("best")) {
    state.best = metadata_number<double>(file, "best", path);
    state.best_iteration = metadata_number<int64_t>(file, "best_iteration", path);
  }
  if (file.metadata.contains("skipped")) state.skipped = metadata_number<int64_t>(file, "skipped", path);
  if (file.metadata.contains("rollbacks")) state.rollbacks = metadata_number<int64_t>(file, "rollbacks", path);
  state.tensors = std::move(file.tensors);
  return state;
}

// The iteration of the weights that were written with the newest state, if they can be read.
std::optional<int64_t> iteration_of_weights(const fs::path& folder) {
  try {
    const fs::path path = folder / "last.safetensors";
    return metadata_number<int64_t>(read_safetensors(path), "iteration", path);
  } catch (const base::EnvironmentError&) {
    return std::nullopt;
  }
}

void remove_halves(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".part") fs::remove(entry.path(), ignored);
  }
}

}  // namespace

void save_state(const fs::path& folder, const TrainState& state) {
  Safetensors file{state.tensors,
                   {{"format", kFormat},
                    {"iteration", std::to_string(state.iteration)},
                    {"seconds", base::number_text(state.seconds)}}};
  if (state.best) {
    file.metadata["best"] = base::number_text(*state.best);
    file.metadata["best_iteration"] = std::to_string(state.best_iteration);
  }
  if (state.skipped > 0) file.metadata["skipped"] = std::to_string(state.skipped);
  if (state.rollbacks > 0) file.metadata["rollbacks"] = std::to_string(state.rollbacks);
  seal(file);
  write_safetensors(folder / kNew, file);
  if (fs::exists(folder / kState)) rename_over(folder / kState, folder / kPrevious);
  rename_over(folder / kNew, folder / kState);
  base::sync_folder(folder);
}

std::optional<TrainState> load_state(const fs::path& folder) {
  remove_halves(folder);
  std::vector<std::string> damages;
  for (const char* name : {kNew, kState, kPrevious}) {
    const fs::path path = folder / name;
    if (!fs::exists(path)) continue;
    try {
      TrainState state = read_state(path);
      if (damages.empty()) return state;
      const auto newest = iteration_of_weights(folder);
      const std::string lost = newest ? concat(std::max<int64_t>(*newest - state.iteration, 0), " iterations are lost")
                                      : "how many iterations are lost cannot be told";
      base::log_warning(concat(base::join(damages, "; "), "; the run goes on from ", name, ", iteration ",
                               state.iteration, ": ", lost));
      for (const char* damaged : {kNew, kState}) {
        if (damaged != std::string_view(name) && fs::exists(folder / damaged))
          rename_over(folder / damaged, folder / kDamaged);
      }
      return state;
    } catch (const base::EnvironmentError& error) {
      damages.emplace_back(error.what());
    }
  }
  if (damages.empty()) {
    if (const auto newest = iteration_of_weights(folder))
      base::log_warning(concat(folder.string(), " has weights of iteration ", *newest,
                               " and no state to go on from: training begins anew"));
    return {};
  }
  throw base::EnvironmentError(base::join(damages, "; "),
                               "no sound checkpoint is left; --fresh sets the run aside and begins anew");
}

void check_room(const fs::path& folder, uint64_t state_bytes, uint64_t weight_bytes) {
  uint64_t there = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) there += entry.file_size(error);
  const uint64_t wanted = 3 * (state_bytes + weight_bytes);  // new, state and previous; last, best and the one written
  const fs::space_info space = fs::space(folder, error);
  if (error || wanted <= there || wanted - there <= space.available) return;
  throw base::EnvironmentError(concat("the checkpoints of ", folder.string(), " want ",
                                      base::with_thousands(static_cast<int64_t>((wanted - there + 1023) >> 10)),
                                      " KiB of room, and the disk has ",
                                      base::with_thousands(static_cast<int64_t>(space.available >> 10)), " KiB"),
                               "free some room or give --out a folder on another disk; the same command then begins");
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
  copy_tensors(read_sealed(file).tensors, weights, file.string());
}

}  // namespace optdnn::training
