// The make-believe device's operators: each call is handed to the CPU's kernel on the same memory.
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <sstream>

#include "support/mock_memory.h"
#include "support/mock_waits.h"

namespace optdnn::tests {

namespace {

using torch::Tensor;
using torch::jit::Stack;

// --- what is told to a watch ---

void describe(std::ostream& out, const c10::IValue& value, const MockWatch& watch) {
  if (value.isTensor()) {
    const Tensor& tensor = value.toTensor();
    if (!tensor.defined()) {
      out << "none";
    } else if (!is_mock(tensor)) {
      // A number of the host: a recorded graph keeps it.
      out << (tensor.numel() == 1 ? c10::str(tensor.item()) : c10::str("host ", tensor.scalar_type(), tensor.sizes()));
    } else {
      out << tensor.scalar_type() << " " << tensor.sizes();
      const auto block = mock_state().blocks.find(const_cast<void*>(tensor.storage().data()));
      if (block != mock_state().blocks.end() && watch.was_there(block->second.number))
        out << " @" << block->second.number;
    }
  } else if (value.isTensorList() || value.isOptionalTensorList()) {
    out << "{";
    for (const c10::IValue& item : value.toListRef()) {
      describe(out, item, watch);
      out << "; ";
    }
    out << "}";
  } else if (value.isGenerator()) {
    out << "generator";
  } else {
    out << value;
  }
}

std::string text_of(std::string_view name, at::ArrayRef<c10::IValue> arguments, const MockWatch& watch) {
  std::ostringstream text;
  text << name << "(";
  for (const c10::IValue& argument : arguments) {
    if (&argument != arguments.begin()) text << ", ";
    describe(text, argument, watch);
  }
  text << ")";
  return text.str();
}

// --- tensors to the CPU and back ---

template <class Change>
void change_tensors(c10::IValue& value, Change change) {
  if (value.isTensor()) {
    value = change(value.toTensor());
  } else if (value.isTensorList()) {
    c10::List<Tensor> changed;
    for (const Tensor& tensor : value.toTensorVector()) changed.push_back(change(tensor));
    value = changed;
  } else if (value.isOptionalTensorList()) {
    c10::List<std::optional<Tensor>> changed;
    for (const auto& tensor : value.toOptionalTensorVector())
      changed.push_back(tensor ? std::optional<Tensor>(change(*tensor)) : std::nullopt);
    value = changed;
  } else if (value.isDevice() && value.toDevice().type() == kMock) {
    value = c10::Device(torch::kCPU);
  }
}

bool share_memory(const Tensor& a, const Tensor& b) {
  return a.storage().data() && a.storage().data() == b.storage().data();
}

// A call's tensors of the device, and what the CPU's kernel was given in their place.
class Lowered {
 public:
  Tensor lower(const Tensor& tensor) {
    if (!is_mock(tensor)) return tensor;
    const Tensor on_cpu =
        tensor.numel() == 0 ? at::empty(tensor.sizes(), tensor.options().device(torch::kCPU)) : as_cpu(tensor);
    pairs_.emplace_back(tensor, on_cpu);
    return on_cpu;
  }

  // A result: an argument itself, a view of one, or new memory.
  Tensor raise(const Tensor& result) {
    if (!result.defined() || is_mock(result)) return result;
    for (const auto& [mock, on_cpu] : pairs_) {
      if (!on_cpu.is_same(result)) continue;
      c10::TensorImpl* impl = mock.unsafeGetTensorImpl();
      if (mock.sizes() == result.sizes() && mock.strides() == result.strides()) return mock;
      if (!share_memory(mock, result)) impl->set_storage_keep_dtype(as_mock(result).storage());
      impl->set_sizes_and_strides(result.sizes(), result.strides(), result.storage_offset());
      return mock;
    }
    for (const auto& [mock, on_cpu] : pairs_) {
      if (!share_memory(result, on_cpu)) continue;
      viewed_ = true;
      Tensor view = at::detail::make_tensor<c10::TensorImpl>(
          c10::Storage(mock.storage()), c10::DispatchKeySet(c10::DispatchKey::XPU), result.dtype());
      view.unsafeGetTensorImpl()->set_sizes_and_strides(result.sizes(), result.strides(), result.storage_offset());
      keep_lazy_signs(result, view);
      return view;
    }
    return as_mock(result);
  }
  bool viewed() const { return viewed_; }

 private:
  std::vector<std::pair<Tensor, Tensor>> pairs_;
  bool viewed_ = false;
};

// While it lives, LibTorch uses its own kernels in the place of oneDNN's.
class WithoutOneDnn {
 public:
  WithoutOneDnn() { at::globalContext().setUserEnabledMkldnn(false); }
  ~WithoutOneDnn() { at::globalContext().setUserEnabledMkldnn(used_); }
  WithoutOneDnn(const WithoutOneDnn&) = delete;
  WithoutOneDnn& operator=(const WithoutOneDnn&) = delete;

 private:
  const bool used_ = at::globalContext().userEnabledMkldnn();
};

// Of a 1x1 convolution with a stride, which oneDNN may get wrong on a CPU (modules/convolve.cpp) and a GPU does not.
bool is_strided_gradient(const c10::OperatorHandle& handle, const Stack& stack) {
  return handle.schema().name() == "aten::convolution_backward" && stack[2].toTensor().size(-1) == 1 &&
         stack[4].toIntVector().front() > 1;
}

// A GPU's kernels are started below everything that LibTorch does to an operator on its way.
void run_on_cpu(const c10::OperatorHandle& handle, Stack& stack) {
  const at::AutoDispatchBelowADInplaceOrView below;
  std::optional<WithoutOneDnn> without;
  if (is_strided_gradient(handle, stack)) without.emplace();
  // XPU is handed these as they lie, CUDA in one piece.
  if (handle.schema().name() == "aten::native_group_norm_backward")
    for (size_t i = 0; i < 2; ++i) stack[i] = stack[i].toTensor().contiguous();
  handle.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), &stack);
}

// The call again with the arguments it had, its results written to where they were.
std::function<void()> again(const c10::OperatorHandle& handle, Stack arguments, const std::vector<Tensor>& results) {
  for (c10::IValue& argument : arguments) {
    if (argument.isTensor() && argument.toTensor().defined() && argument.toTensor().dim() == 0 &&
        !mock_state().blocks.contains(const_cast<void*>(argument.toTensor().storage().data())))
      argument = argument.toTensor().clone();  // a number of the host, as it is now
  }
  return [handle, arguments, results] {
    Stack stack = arguments;
    run_on_cpu(handle, stack);
    std::vector<Tensor> fresh;
    for (const c10::IValue& value : stack) {
      if (value.isTensor()) fresh.push_back(value.toTensor());
      if (value.isTensorList())
        for (const Tensor& tensor : value.toTensorVector()) fresh.push_back(tensor);
    }
    const at::AutoDispatchBelowADInplaceOrView below;
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].defined() && !share_memory(results[i], fresh[i])) results[i].copy_(fresh[i]);
    }
  };
}

// CUDA and XPU have the convolution under different names.
c10::OperatorHandle kernel_for(const c10::OperatorHandle& handle, std::string_view name, Stack& stack, size_t begin) {
  auto& dispatcher = c10::Dispatcher::singleton();
  if (name == "convolution_overrideable") return dispatcher.findSchemaOrThrow("aten::convolution", "");
  if (name != "convolution_backward_overrideable") return handle;
  c10::IValue bias_sizes;
  if (stack.back().toBoolList()[2]) bias_sizes = c10::List<int64_t>({stack[begin + 2].toTensor().size(0)});
  stack.insert(stack.begin() + static_cast<std::ptrdiff_t>(begin) + 3, bias_sizes);
  return dispatcher.findSchemaOrThrow("aten::convolution_backward", "");
}

void on_cpu_kernels(const c10::OperatorHandle& handle, Stack* stack) {
  const std::string name = handle.schema().name().substr(sizeof "aten::" - 1);
  const size_t begin = stack->size() - handle.schema().arguments().size();
  const at::ArrayRef<c10::IValue> arguments(stack->data() + begin, stack->size() - begin);
  if (const auto why = waits_on_cuda(name, handle.schema().overload_name(), arguments))
    mock_wait(c10::str(name, ": ", *why));
  MockState& state = mock_state();
  MockWatch* watch = state.watch;
  MockCall call{name, "", {}};
  if (watch) {
    const std::lock_guard lock(state.mutex);
    call.text = text_of(name, arguments, *watch);
  }

  Lowered lowered;
  Stack given(stack->begin() + static_cast<std::ptrdiff_t>(begin), stack->end());
  torch::jit::drop(*stack, given.size());
  const c10::OperatorHandle kernel = kernel_for(handle, name, given, 0);
  for (c10::IValue& value : given) change_tensors(value, [&](const Tensor& tensor) { return lowered.lower(tensor); });
  Stack results = given;
  run_on_cpu(kernel, results);

  std::vector<Tensor> written;
  for (c10::IValue& value : results) {
    change_tensors(value, [&](const Tensor& result) {
      const Tensor raised = lowered.raise(result);
      written.push_back(is_mock(raised) && raised.numel() > 0 ? as_cpu(raised) : Tensor());
      return raised;
    });
    stack->push_back(std::move(value));
  }
  if (!watch || lowered.viewed()) return;
  const std::lock_guard lock(state.mutex);
  if (watch->keeps_tape()) call.again = again(kernel, std::move(given), written);
  watch->called(std::move(call));
}

// --- allocation, and copies between host and device ---

Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
             std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return as_mock(at::empty(size, at::TensorOptions(type.value_or(at::kFloat)).memory_format(format)));
}

Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type,
                     std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return as_mock(at::empty_strided(size, stride, at::TensorOptions(type.value_or(at::kFloat))));
}

Tensor& copy(Tensor& to, const Tensor& from, bool non_blocking) {
  const bool up = !is_mock(from), down = !is_mock(to);
  const Tensor source = up ? from : as_cpu(from), target = down ? to : as_cpu(to);
  if (up && !(non_blocking && from.is_pinned()))
    mock_wait(c10::str("copy of pageable memory to the device ", from.sizes()));
  if (down) mock_wait(c10::str("copy to the host ", from.sizes()));
  MockState& state = mock_state();
  if (state.watch && !down) {
    const std::lock_guard lock(state.mutex);
    if (up && state.watch->keeps_tape()) state.watch->waited("copy from the host in what is recorded");
    MockCall call{up ? "upload" : "copy_", text_of(up ? "upload" : "copy_", {to, from}, *state.watch), {}};
    call.again = [target, source] {
      const at::AutoDispatchBelowADInplaceOrView below;
      target.copy_(source);
    };
    if (!state.watch->keeps_tape()) call.again = nullptr;
    state.watch->called(std::move(call));
  }
  target.copy_(source);
  return to;
}

at::Scalar read_number(const Tensor& tensor) {
  mock_wait("item");
  return as_cpu(tensor).item();
}

Tensor& set_storage(Tensor& self, at::Storage storage, c10::SymInt offset, c10::SymIntArrayRef size,
                    c10::SymIntArrayRef stride) {
  self.unsafeGetTensorImpl()->set_storage_keep_dtype(std::move(storage));
  self.unsafeGetTensorImpl()->set_sizes_and_strides(C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride),
                                                    offset.expect_int());
  return self;
}

const Tensor& resize(const Tensor& self, c10::SymIntArrayRef size, std::optional<at::MemoryFormat>) {
  const Tensor fresh = as_mock(at::empty(C10_AS_INTARRAYREF_SLOW(size), at::TensorOptions(self.dtype())));
  self.unsafeGetTensorImpl()->set_storage_keep_dtype(fresh.storage());
  self.unsafeGetTensorImpl()->set_sizes_and_strides(fresh.sizes(), fresh.strides());
  return self;
}

// CUDA has kernels of its own for it; here it is the operators it is made of.
Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value, const std::optional<Tensor>& mask,
                 double dropout, bool is_causal, std::optional<double> scale, bool grouped) {
  return std::get<0>(
      at::_scaled_dot_product_attention_math(query, key, value, mask, dropout, is_causal, {}, scale, grouped));
}

// Those that LibTorch would otherwise take apart or refuse on a device it does not know.
constexpr const char* kWhole[] = {
    "convolution_overrideable",
    "convolution_backward_overrideable",
    "as_strided",
    "view",
    "_reshape_alias",
    "unfold",
    "alias",
    "native_layer_norm",
    "native_group_norm",
    "native_layer_norm_backward",
    "native_group_norm_backward",
    "native_batch_norm",
    "_foreach_norm.Scalar",
    "_foreach_lerp_.Scalar",
    "_fused_sgd_",
    "_fused_sgd_.tensor_lr",
    "_fused_adam_",
    "_fused_adam_.tensor_lr",
    "_fused_adamw_",
    "_fused_adamw_.tensor_lr",
    "clone",
    "linalg_vector_norm",
};

}  // namespace

}  // namespace optdnn::tests

TORCH_LIBRARY_IMPL(_, XPU, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&optdnn::tests::on_cpu_kernels>());
}

TORCH_LIBRARY_IMPL(aten, XPU, library) {
  using namespace optdnn::tests;
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("copy_", &copy);
  library.impl("_local_scalar_dense", &read_number);
  library.impl("set_.source_Storage_storage_offset", &set_storage);
  library.impl("resize_", &resize);
  library.impl("scaled_dot_product_attention", &attention);
  for (const char* name : kWhole) library.impl(name, torch::CppFunction::makeFromBoxedFunction<&on_cpu_kernels>());
}

TORCH_LIBRARY_IMPL(aten, AutogradXPU, library) {
  library.impl("scaled_dot_product_attention", &optdnn::tests::attention);
}
