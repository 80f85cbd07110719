#include "optdnn/baselines/cost.h"

#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <cmath>
#include <string_view>

namespace optdnn::baselines {

namespace {

thread_local int64_t counted = 0;

// Multiply-adds of an operator call are the output's elements times the length of the sum behind each. The inputs,
// which tell that length, can be read only on entry; the output only on leaving.
struct SumLength : at::ObserverContext {
  int64_t length = 0;
  int64_t transformed = 0;  // the multiply-adds of an FFT, told by its input
};

// Of an FFT from or to real numbers: 2.5 n log2 n per image of n pixels, half of what a complex one is said to take.
int64_t fft_products(const at::Tensor& images_BCHW) {
  const double n = static_cast<double>(images_BCHW.size(-1) * images_BCHW.size(-2));
  return std::llround(2.5 * static_cast<double>(images_BCHW.numel()) * std::log2(n));
}

int64_t sum_length(const at::RecordFunction& call) {
  const std::string_view name = call.name();
  const auto inputs = call.inputs();
  if (name == "aten::convolution") {
    const at::Tensor& weight = inputs[1].toTensor();  // outputs x inputs/groups x kernel
    return weight.numel() / weight.size(0);
  }
  if (name == "aten::mm" || name == "aten::bmm") return inputs[0].toTensor().size(-1);
  if (name == "aten::addmm" || name == "aten::baddbmm") return inputs[1].toTensor().size(-1);
  // Q K^T, and its product with V: as many again. Other ways of attention are made of the products above.
  if (name == "aten::_scaled_dot_product_flash_attention_for_cpu") return 2 * inputs[1].toTensor().size(-2);
  return 0;
}

std::unique_ptr<at::ObserverContext> on_enter(const at::RecordFunction& call) {
  auto context = std::make_unique<SumLength>();
  context->length = sum_length(call);
  if (std::string_view(call.name()) == "aten::_fft_r2c")
    context->transformed = fft_products(call.inputs()[0].toTensor());
  return context;
}

// A complex product is four real ones.
int64_t products(const at::Tensor& output) { return output.is_complex() ? 4 : 1; }

void on_leave(const at::RecordFunction& call, at::ObserverContext* context) {
  const auto& entered = *static_cast<SumLength*>(context);
  counted += entered.transformed;
  if (std::string_view(call.name()) == "aten::_fft_c2r") counted += fft_products(call.outputs()[0].toTensor());
  if (entered.length == 0) return;
  const at::Tensor output = call.outputs()[0].toTensor();
  counted += entered.length * products(output) * output.numel();
}

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
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(on_enter, on_leave)
                                                     .needsInputs(true)
                                                     .needsOutputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  counted = 0;
  run();
  at::removeCallback(handle);
  return counted;
}

Cost measure_cost(Network& network, const NetworkShape& shape) {
  torch::nn::Module& module = *network.module.ptr();
  Cost cost;
  cost.parameters = count_parameters(module);
  const auto solves = solvers::fixed_points(module);
  for (const auto& solve : solves) solve->set_mode(solvers::FixedPointImpl::Mode::cost);
  std::vector<torch::Tensor> kept;
  for (const auto& buffer : module.buffers()) kept.push_back(buffer.clone());

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
  module.eval();
  cost.multiply_adds = count_multiply_adds([&] { network.forward(zeros(1, shape)); });
  module.train();
  for (const auto& solve : solves) solve->set_mode(solvers::FixedPointImpl::Mode::normal);
  return cost;
}

}  // namespace optdnn::baselines
