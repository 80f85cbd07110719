#include "optdnn/experiment/pictures.h"

#include <algorithm>

#include "optdnn/base/random.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/checkpoint.h"

namespace optdnn::experiment {

namespace {

using torch::Tensor;

constexpr int64_t kGrid = 121;    // points along each axis
constexpr int64_t kPoints = 800;  // of the test set
constexpr int64_t kPaths = 160;   // of the test set
constexpr int64_t kCurve = 4096;  // of the test set

// At most `most` test points, drawn at random: every so-and-so-many-th would fall into step with rings or vertices.
data::Batch test_points(const data::DataSet& dataset, int64_t most) {
  const int64_t size = dataset.size(data::Split::test);
  std::vector<int64_t> indices = base::permutation(size, base::RandomStream(0, "pictures"));
  indices.resize(std::min(size, most));
  const data::Batch batch = data::finished(dataset.batch(data::Split::test, 0, 0, indices));
  return {batch.inputs.cpu(), batch.targets.cpu()};
}

// Around all points, a twentieth of their extent beyond.
Tensor grid_around(const Tensor& points_N2) {
  const auto axis = [&](int64_t column) {
    const double low = points_N2.select(1, column).min().item<double>();
    const double high = points_N2.select(1, column).max().item<double>();
    const double margin = (high - low) / 20;
    return torch::linspace(low - margin, high + margin, kGrid);
  };
  const auto mesh = torch::meshgrid({axis(0), axis(1)}, "ij");
  return torch::stack({mesh[0].flatten(), mesh[1].flatten()}, 1);
}

bool alike(const std::vector<Tensor>& states) {
  return std::all_of(states.begin(), states.end(),
                     [&](const Tensor& state) { return state.sizes() == states.front().sizes(); });
}

}  // namespace

void write_pictures(const ExperimentSpec& spec, uint64_t seed, const data::DataSet& dataset, const RunFolder& folder) {
  const data::DataShape shape = dataset.shape();
  if (shape.input.size() != 1) return;
  models::Network network = make_network(spec, network_shape(shape), seed);
  training::load_weights(*network.module.ptr(), folder.checkpoints() / "last.safetensors");
  network.module.ptr()->eval();
  const torch::NoGradGuard no_grad;

  training::Safetensors file;
  const data::Batch points = test_points(dataset, kPoints);
  if (shape.input[0] == 2 && (!shape.regression || shape.outputs == 1)) {
    const Tensor grid = grid_around(points.inputs);
    file.tensors["grid_inputs"] = grid;
    file.tensors["grid_outputs"] = network.forward(grid);
    file.metadata = {{"grid_rows", std::to_string(kGrid)}, {"grid_cols", std::to_string(kGrid)}};
    file.tensors["points_inputs"] = points.inputs;
    file.tensors["points_targets"] = points.targets.flatten().to(torch::kFloat32);
  }
  if (network.opt_net && !shape.regression) {
    const data::Batch followed = test_points(dataset, kPaths);
    const auto states = network.opt_net->path(followed.inputs);
    if (alike(states)) {
      file.tensors["path_states"] = torch::stack(states);
      file.tensors["path_targets"] = followed.targets.to(torch::kFloat32);
    }
  }
  if (shape.input[0] == 1 && shape.regression && shape.outputs == 1) {
    const data::Batch curve = test_points(dataset, kCurve);
    file.tensors["curve_inputs"] = curve.inputs;
    file.tensors["curve_outputs"] = network.forward(curve.inputs);
    file.tensors["curve_targets"] = curve.targets;
  }
  file.metadata["preparation"] = dataset.preparation().json();
  if (!file.tensors.empty()) training::write_safetensors(folder.path / "pictures.safetensors", file);
}

}  // namespace optdnn::experiment
