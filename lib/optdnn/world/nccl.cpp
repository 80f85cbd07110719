#include "optdnn/world/nccl.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <array>
#include <cstring>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::world {

// NCCL's C interface, as nccl.h has it since version 2: results are 0 or an error's number.
struct Nccl::Functions {
  struct Id {
    std::array<char, 128> bytes;
  };
  using Stream = void*;
  using Communicator = void*;
  int (*get_id)(Id*);
  int (*init)(Communicator*, int size, Id, int rank);
  int (*destroy)(Communicator);
  int (*all_reduce)(const void*, void*, size_t, int type, int operation, Communicator, Stream);
  int (*broadcast)(const void*, void*, size_t, int type, int root, Communicator, Stream);
  int (*begin)();
  int (*end)();
  const char* (*error_text)(int);

  Functions() {
    void* library = ::dlopen("libnccl.so.2", RTLD_NOW | RTLD_NOLOAD);
    if (!library) library = ::dlopen("libnccl.so.2", RTLD_NOW);
    if (!library) fail(::dlerror());
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
      if (!function) fail(::dlerror());
    };
    find(get_id, "ncclGetUniqueId");
    find(init, "ncclCommInitRank");
    find(destroy, "ncclCommDestroy");
    find(all_reduce, "ncclAllReduce");
    find(broadcast, "ncclBroadcast");
    find(begin, "ncclGroupStart");
    find(end, "ncclGroupEnd");
    find(error_text, "ncclGetErrorString");
  }
  [[noreturn]] static void fail(const std::string& why) { throw base::EnvironmentError("NCCL: " + why); }
  void check(int result) const {
    if (result != 0) fail(error_text(result));
  }
};

namespace {

constexpr int kSum = 0;

int type_of(const torch::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case torch::kInt8:
      return 0;
    case torch::kUInt8:
      return 1;
    case torch::kInt32:
      return 2;
    case torch::kInt64:
      return 4;
    case torch::kFloat16:
      return 6;
    case torch::kFloat32:
      return 7;
    case torch::kFloat64:
      return 8;
    case torch::kBFloat16:
      return 9;
    default:
      throw base::EnvironmentError(base::concat("NCCL has no type for ", tensor.scalar_type()));
  }
}

void* stream_of(const torch::Device& device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

}  // namespace

const Nccl::Functions& Nccl::functions() {
  static const Functions functions;
  return functions;
}

std::string Nccl::new_meeting() {
  Functions::Id id{};
  functions().check(functions().get_id(&id));
  return {id.bytes.data(), id.bytes.size()};
}

Nccl::Nccl(int rank, int size, const std::string& meeting, const torch::Device& device) : device_(device) {
  Functions::Id id{};
  if (meeting.size() != id.bytes.size()) Functions::fail("a meeting of 128 bytes is wanted");
  std::memcpy(id.bytes.data(), meeting.data(), id.bytes.size());
  const c10::DeviceGuard guard(device_);
  functions().check(functions().init(&communicator_, size, id, rank));
}

Nccl::~Nccl() {
  const c10::DeviceGuard guard(device_);
  if (communicator_) functions().destroy(communicator_);
}

// As one group, so that many small tensors cost one start. A tensor that is not one piece of memory goes by way of a
// copy.
template <class Call>
void Nccl::each(const std::vector<torch::Tensor>& tensors, Call call) {
  const c10::DeviceGuard guard(device_);
  std::vector<torch::Tensor> whole;
  for (const torch::Tensor& tensor : tensors)
    whole.push_back(tensor.is_non_overlapping_and_dense() ? tensor : tensor.contiguous());
  void* const stream = stream_of(device_);
  functions().check(functions().begin());
  for (const torch::Tensor& tensor : whole) call(tensor, type_of(tensor), stream);
  functions().check(functions().end());
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < whole.size(); ++i) {
    if (!whole[i].is_same(tensors[i])) tensors[i].copy_(whole[i]);
  }
}

void Nccl::sum(const std::vector<torch::Tensor>& tensors) {
  each(tensors, [&](const torch::Tensor& x, int type, void* stream) {
    void* data = x.mutable_data_ptr();
    functions().check(functions().all_reduce(data, data, x.numel(), type, kSum, communicator_, stream));
  });
}

void Nccl::give(const std::vector<torch::Tensor>& tensors) {
  each(tensors, [&](const torch::Tensor& x, int type, void* stream) {
    void* data = x.mutable_data_ptr();
    functions().check(functions().broadcast(data, data, x.numel(), type, 0, communicator_, stream));
  });
}

}  // namespace optdnn::world
