#include "optdnn/models/cost.h"

#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <string_view>

namespace optdnn::models {

namespace {

thread_local int64_t counted = 0;

const at::Tensor& tensor_of(const c10::IValue& value) { return value.toTensor(); }

// Multiply-adds of one operator call: the output's elements times the length of the sum behind each.
int64_t multiply_adds_of(const at::RecordFunction& call) {
  const std::string_view name = call.name();
  const auto inputs = call.inputs();
  const auto outputs = call.outputs();
  if (outputs.empty() || !outputs[0].isTensor()) return 0;
  const int64_t elements = tensor_of(outputs[0]).numel();
  if (name == "aten::convolution") {
    const at::Tensor& weight = tensor_of(inputs[1]);  // outputs x inputs/groups x kernel
    return elements * (weight.numel() / weight.size(0));
  }
  if (name == "aten::mm" || name == "aten::bmm") return elements * tensor_of(inputs[0]).size(-1);
  if (name == "aten::addmm" || name == "aten::baddbmm") return elements * tensor_of(inputs[1]).size(-1);
  return 0;
}

std::unique_ptr<at::ObserverContext> on_enter(const at::RecordFunction&) { return nullptr; }
void on_leave(const at::RecordFunction& call, at::ObserverContext*) { counted += multiply_adds_of(call); }

class AllocatedBytes : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t alloc_size, size_t, size_t, c10::Device) override { bytes_ += alloc_size; }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
};

torch::Tensor zeros(int64_t batch, const NetworkShape& shape) {
  std::vector<int64_t> sizes{batch};
  sizes.insert(sizes.end(), shape.input.begin(), shape.input.end());
  return torch::zeros(sizes);
}

}  // namespace

int64_t count_parameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

int64_t count_multiply_adds(const std::function<void()>& run) {
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback(on_enter, on_leave).needsInputs(true).needsOutputs(true).scopes({at::RecordScope::FUNCTION}));
  counted = 0;
  run();
  at::removeCallback(handle);
  return counted;
}

Cost measure_cost(Network& network, const NetworkShape& shape) {
  torch::nn::Module& module = *network.module.ptr();
  Cost cost;
  cost.parameters = count_parameters(module);
  std::vector<torch::Tensor> kept;
  for (const auto& buffer : module.buffers()) kept.push_back(buffer.clone());

  module.eval();
  {
    torch::NoGradGuard no_grad;
    cost.multiply_adds = count_multiply_adds([&] { network.forward(zeros(1, shape)); });
  }
  module.train();
  constexpr int64_t kBatch = 4;  // more than one, for batch statistics
  const torch::Tensor inputs = zeros(kBatch, shape);
  const auto allocated = std::make_shared<AllocatedBytes>();
  torch::Tensor outputs;
  {
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, allocated);
    outputs = network.forward(inputs);
  }
  cost.activation_mib_per_sample = static_cast<double>(allocated->bytes()) / kBatch / (1 << 20);

  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < kept.size(); ++i) module.buffers()[i].copy_(kept[i]);
  return cost;
}

}  // namespace optdnn::models
