#include "optdnn/execution/gpu_whole.h"

#include <ATen/ceil_div.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "optdnn/base/text.h"
#include "optdnn/execution/passes.h"

namespace optdnn::execution {

namespace {

using base::concat;
using kernels::Grid;
using kernels::Launcher;
using modules::Activation;
using modules::TwoLayerWeights;
using torch::Tensor;
namespace gpu = kernels::gpu;

constexpr int kWarp = 32;
constexpr int64_t kBlocksOfProcessor = 8;  // at most: each reads all weights
constexpr int64_t kMostRuns = 65535;       // parts of a grid

// A value has a place from its operation to its last reader's. The result of an operation never has that of what it
// reads, so that the backward pass finds both.
std::vector<int> places_of(const Program& program, int& count) {
  std::vector<int> places(program.values), left;
  count = program.inputs;
  for (int i = 0; i < program.inputs; ++i) places[i] = i;
  const auto reads = last_reads(program);
  for (size_t i = 0; i < program.operations.size(); ++i) {
    int& place = places[program.operations[i].value];
    place = left.empty() ? count++ : left.back();
    if (!left.empty()) left.pop_back();
    for (const int value : reads[i]) left.push_back(places[value]);
  }
  return places;
}

gpu::WholeActivation activation_of(Activation activation) {
  if (activation == Activation::tanh) return gpu::kTanh;
  return activation == Activation::sigmoid ? gpu::kSigmoid : gpu::kRelu;
}

int hidden_of(modules::DenseTwoLayer& layer) { return static_cast<int>(layer.last_layer().front().size(-1)); }

int power_of_two(int least) { return static_cast<int>(std::bit_ceil(static_cast<unsigned>(least))); }

// Threads of a block, how many of them take a sample, and the block's shared memory.
struct Shares {
  Shares(const Launcher& launcher, const gpu::WholeProgram& program) : processors(launcher.processors()) {
    warp = std::min(kWarp, static_cast<int>(std::bit_floor(static_cast<unsigned>(launcher.threads()))));
    lanes = std::min(warp, power_of_two(std::max(program.D, program.most_hidden)));
    threads = launcher.threads() / warp * warp;
    const int64_t of_sample = (program.places * program.D + program.most_hidden) | 1;
    const auto floats = [&] { return program.begin[program.layers] + threads / lanes * of_sample; };
    while (threads > warp && floats() * int64_t{sizeof(float)} > launcher.shared_bytes()) threads -= warp;
    bytes = floats() * int64_t{sizeof(float)};
  }

  Grid grid(int64_t samples, int64_t runs) const {
    const int64_t at_once = threads / lanes, most = std::max<int64_t>(1, kBlocksOfProcessor * processors / runs);
    return {static_cast<int>(std::min(most, at::ceil_div(samples, at_once))), static_cast<int>(runs), threads,
            static_cast<int>(bytes / int64_t{sizeof(float)})};
  }

  int processors, warp, lanes, threads;
  int64_t bytes;
};

gpu::WholeWeights<const float> pointers(const TwoLayerWeights& w) {
  const auto at = [](const Tensor& tensor) { return tensor.const_data_ptr<float>(); };
  return {at(w.W1), at(w.b1), at(w.W2), at(w.b2)};
}
gpu::WholeWeights<float> pointers_to_write(const TwoLayerWeights& w) {
  const auto at = [](const Tensor& tensor) { return tensor.mutable_data_ptr<float>(); };
  return {at(w.W1), at(w.b1), at(w.W2), at(w.b2)};
}

variable_list contiguous(at::TensorList tensors) {
  variable_list all;
  for (const Tensor& tensor : tensors) all.push_back(tensor.contiguous());
  return all;
}

class GpuWholeStage : public WholeStage {
 public:
  GpuWholeStage(std::shared_ptr<const Layers> layers, std::shared_ptr<GpuProgram> program, bool differentiable)
      : WholeStage(std::move(layers)), program_(std::move(program)), differentiable_(differentiable) {}

  bool takes_undefined() const override { return true; }

  variable_list forward(at::TensorList tensors, variable_list& saved) override {
    saved = tensors.vec();
    const variable_list read = contiguous(tensors);
    const Given all(*layers_, read);
    const auto options = all.input(0).options().requires_grad(false);
    const auto& sizes = program_->sizes();
    Pass pass(*this, all);
    variable_list outputs;
    for (int i = 0; i < sizes.inputs; ++i) pass.arguments.given[i] = all.input(i).const_data_ptr<float>();
    for (int i = 0; i < sizes.outputs; ++i) {
      outputs.push_back(torch::empty(all.input(0).sizes(), options));
      pass.arguments.made[i] = outputs.back().mutable_data_ptr<float>();
    }
    if (differentiable_) {
      const Tensor values_RVDN = torch::empty({all.runs(), sizes.values, all.width(), all.samples()}, options);
      const Tensor hidden_RHN = torch::empty({all.runs(), sizes.hidden_rows, all.samples()}, options);
      pass.arguments.values = values_RVDN.mutable_data_ptr<float>();
      pass.arguments.hidden = hidden_RHN.mutable_data_ptr<float>();
      saved.insert(saved.end(), {values_RVDN, hidden_RHN});
    }
    pass.launcher.launch("whole_forward", pass.grid, pass.arguments);
    return outputs;
  }

  variable_list backward(const variable_list& saved, variable_list gradients) const override {
    const variable_list read = contiguous(given(saved).tensors);
    const Given all(*layers_, read);
    const Tensor &values_RVDN = saved[saved.size() - 2], &hidden_RHN = saved.back();
    const Tensor d_values_RVDN = torch::empty_like(values_RVDN), d_hidden_RHN = torch::empty_like(hidden_RHN);
    Pass pass(*this, all);
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined()) continue;
      gradients[i] = gradients[i].contiguous();
      pass.arguments.given[i] = gradients[i].const_data_ptr<float>();
    }
    variable_list found;
    for (int i = 0; i < program_->sizes().inputs; ++i) {
      found.push_back(torch::empty_like(all.input(i)));
      pass.arguments.made[i] = found.back().mutable_data_ptr<float>();
    }
    pass.arguments.values = d_values_RVDN.mutable_data_ptr<float>();
    pass.arguments.hidden = hidden_RHN.mutable_data_ptr<float>();
    pass.arguments.d_hidden = d_hidden_RHN.mutable_data_ptr<float>();
    pass.launcher.launch("whole_backward", pass.grid, pass.arguments);

    gpu::WholeSums sums{};
    sums.program = pass.arguments.program;
    sums.values = values_RVDN.const_data_ptr<float>();
    sums.hidden = hidden_RHN.const_data_ptr<float>();
    sums.d_values = d_values_RVDN.const_data_ptr<float>();
    sums.d_hidden = d_hidden_RHN.const_data_ptr<float>();
    add_up(all, pass, sums, found);
    return found;
  }

 private:
  // What the launches forward and backward have in common.
  struct Pass {
    Pass(const GpuWholeStage& stage, const Given& given)
        : launcher(*kernels::launcher(given.input(0).device())),
          shares(launcher, stage.program_->sizes()),
          grid(shares.grid(given.samples(), given.runs())) {
      const Tensor program = stage.program_->on(given.input(0).device());
      arguments.program = stage.program_->sizes();
      arguments.program.N = static_cast<int>(given.samples());
      const auto* bytes = static_cast<const char*>(program.const_data_ptr());
      arguments.program.operations = reinterpret_cast<const gpu::WholeOperation*>(bytes);
      arguments.program.terms = reinterpret_cast<const gpu::WholeTerm*>(bytes + stage.program_->operation_bytes());
      for (size_t l = 0; l < given.learned().size(); ++l)
        arguments.program.learned[l] = given.learned()[l].const_data_ptr<float>();
      for (size_t l = 0; l < given.layers.each.size(); ++l) arguments.weights[l] = pointers(given.weights(l));
      for (size_t i = 0; i < given.program.outputs.size(); ++i)
        arguments.places[i] = static_cast<short>(stage.program_->places()[given.program.outputs[i]]);
      arguments.lanes = shares.lanes;
    }
    Launcher& launcher;
    Shares shares;
    Grid grid;
    gpu::WholePass arguments{};
  };

  // Appends the gradients of the weights and of the learned ones.
  static void add_up(const Given& all, const Pass& pass, gpu::WholeSums& sums, variable_list& found) {
    for (size_t l = 0; l < all.layers.each.size(); ++l) {
      const TwoLayerWeights w = all.weights(l);
      const TwoLayerWeights d{torch::empty_like(w.W1), torch::empty_like(w.b1), torch::empty_like(w.W2),
                              torch::empty_like(w.b2)};
      sums.weights[l] = pointers_to_write(d);
      found.insert(found.end(), {d.W1, d.b1, d.W2, d.b2});
    }
    const auto learned = static_cast<int64_t>(all.learned().size());
    const Tensor d_learned_LR = torch::empty({learned, all.runs()}, all.input(0).options().requires_grad(false));
    sums.d_learned = d_learned_LR.mutable_data_ptr<float>();
    sums.learned = static_cast<int>(learned);
    sums.runs = static_cast<int>(all.runs());
    sums.sums = sums.program.begin[sums.program.layers];
    sums.lanes = pass.shares.warp;
    const int at_once = pass.launcher.threads() / sums.lanes, blocks = at::ceil_div(sums.sums + sums.learned, at_once);
    pass.launcher.launch("whole_sums", {blocks, sums.runs, at_once * sums.lanes}, sums);
    for (int64_t l = 0; l < learned; ++l) found.push_back(d_learned_LR.select(0, l).reshape(all.learned()[l].sizes()));
  }

  std::shared_ptr<GpuProgram> program_;
  bool differentiable_;
};

}  // namespace

GpuProgram::GpuProgram(const Layers& layers) {
  const Program& program = *layers.program;
  places_ = places_of(program, sizes_.places);
  std::vector<gpu::WholeOperation> operations;
  std::vector<gpu::WholeTerm> terms;
  for (const Operation& operation : program.operations) {
    gpu::WholeOperation& made = operations.emplace_back();
    made.value = operation.value;
    made.place = places_[operation.value];
    made.layer = -1;
    made.begin = made.end = static_cast<int>(terms.size());
    if (const auto* call = std::get_if<Call>(&operation.what)) {
      made.layer = call->module;
      made.argument = call->argument;
      made.argument_place = places_[call->argument];
      made.hidden = sizes_.hidden_rows;
      sizes_.hidden_rows += hidden_of(*layers.each[call->module]);
      continue;
    }
    for (const auto& [value, weight, learned] : std::get<Combine>(operation.what).terms)
      terms.push_back({value, places_[value], learned, static_cast<float>(weight)});
    made.end = static_cast<int>(terms.size());
  }
  sizes_.count = static_cast<int>(operations.size());
  sizes_.inputs = program.inputs;
  sizes_.outputs = static_cast<int>(program.outputs.size());
  sizes_.values = program.values;
  sizes_.layers = static_cast<int>(layers.each.size());
  sizes_.D = static_cast<int>(layers.each.front()->last_layer().front().size(-2));
  for (int l = 0; l < std::min(sizes_.layers, gpu::kMostLayers); ++l) {
    const int hidden = hidden_of(*layers.each[l]);
    sizes_.hidden[l] = static_cast<short>(hidden);
    sizes_.most_hidden = std::max(sizes_.most_hidden, hidden);
    sizes_.begin[l + 1] = sizes_.begin[l] + 2 * hidden * sizes_.D + hidden + sizes_.D;
    sizes_.activation[l] = activation_of(layers.each[l]->activation());
  }
  const auto bytes_of = [](const auto& list) { return static_cast<int64_t>(list.size() * sizeof list[0]); };
  operation_bytes_ = bytes_of(operations);
  on_host_ = torch::empty({operation_bytes_ + bytes_of(terms)}, torch::kByte);
  auto* to = on_host_.mutable_data_ptr<uint8_t>();
  std::memcpy(to, operations.data(), operation_bytes_);
  if (!terms.empty()) std::memcpy(to + operation_bytes_, terms.data(), bytes_of(terms));
}

Tensor GpuProgram::on(const torch::Device& device) {
  const std::lock_guard lock(mutex_);
  if (!on_device_.defined() || on_device_.device() != device) on_device_ = on_host_.to(device);
  return on_device_;
}

GpuWhole::GpuWhole(std::shared_ptr<const Layers> layers)
    : layers_(std::move(layers)), program_(std::make_shared<GpuProgram>(*layers_)) {}

std::string GpuWhole::declines(const variable_list& inputs) const {
  const gpu::WholeProgram& sizes = program_->sizes();
  const Tensor& x = inputs.front();
  Launcher* launcher = kernels::launcher(x.device());
  if (!launcher) return "states on " + x.device().str() + ", which has no kernels";
  if (x.scalar_type() != torch::kFloat32) return "weights that are not float32";
  const Tensor weight = layers_->each.front()->last_layer().front();  // D x H for each run
  const bool fits = x.numel() > 0 && x.size(-1) == sizes.D && (x.dim() == 2 || x.size(0) == weight.size(0));
  if (!fits || (x.dim() == 3 && x.size(0) > kMostRuns)) return "states of another size";
  if (sizes.layers > gpu::kMostLayers) return concat(sizes.layers, " modules, over ", gpu::kMostLayers);
  if (std::max(sizes.inputs, sizes.outputs) > gpu::kMostStates)
    return concat(std::max(sizes.inputs, sizes.outputs), " states, over ", gpu::kMostStates);
  const auto learned = layers_->program->learned.size();
  if (learned > gpu::kMostCoefficients) return concat(learned, " learned weights, over ", gpu::kMostCoefficients);
  const Shares shares(*launcher, sizes);
  if (shares.bytes > launcher->shared_bytes())
    return concat("weights and states of ", shares.bytes, " bytes, over ", launcher->shared_bytes());
  for (const char* kernel : {"whole_forward", "whole_backward", "whole_sums"}) {
    if (!launcher->has(kernel)) return concat("no kernel ", kernel);
  }
  return "";
}

c10::intrusive_ptr<WholeStage> GpuWhole::stage(bool differentiable) const {
  return c10::make_intrusive<GpuWholeStage>(layers_, program_, differentiable);
}

}  // namespace optdnn::execution
