#include "support/mock_device.h"

#include <ATen/detail/XPUHooksInterface.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <cstdlib>
#include <cstring>
#include <set>

#include "support/mock_memory.h"

namespace optdnn::tests {

MockState& mock_state() {
  static auto* state = new MockState;  // never destroyed: tensors of static life end after it
  return *state;
}

namespace {

using torch::Tensor;

// A block is known from as_mock() on until the last tensor on it ends.
class Block {
 public:
  explicit Block(const c10::Storage& storage) : storage_(storage) {
    MockState& state = mock_state();
    const std::lock_guard lock(state.mutex);
    if (storage_.nbytes() == 0) return;
    const MockBlock block{state.next_block++, storage_.nbytes(), storage_.getWeakStorageImpl()};
    state.blocks.insert_or_assign(storage_.mutable_data(), block);
    if (state.watch && state.watch->keeps_tape()) state.made.emplace_back(storage_.mutable_data(), block);
  }
  ~Block() {
    MockState& state = mock_state();
    const std::lock_guard lock(state.mutex);
    state.blocks.erase(storage_.mutable_data());
  }

 private:
  c10::Storage storage_;
};

// `memory` keeps it.
template <class Holder>
Tensor on_same_memory(const Tensor& tensor, const c10::Storage& memory, c10::Device device, c10::DispatchKey key) {
  auto* holder = new Holder(memory);
  c10::DataPtr data(
      tensor.storage().mutable_data(), holder, [](void* held) { delete static_cast<Holder*>(held); }, device);
  c10::Storage storage(c10::Storage::use_byte_size_t(), tensor.storage().nbytes(), std::move(data), nullptr, false);
  Tensor made = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(key), tensor.dtype());
  c10::TensorImpl* impl = made.unsafeGetTensorImpl();
  impl->set_sizes_and_strides(tensor.sizes(), tensor.strides(), tensor.storage_offset());
  if (tensor.unsafeGetTensorImpl()->is_wrapped_number()) impl->set_wrapped_number(true);
  keep_lazy_signs(tensor, made);
  return made;
}

c10::Storage memory_of(const Tensor& on_mock) {
  MockState& state = mock_state();
  const std::lock_guard lock(state.mutex);
  const auto known = state.blocks.find(on_mock.storage().mutable_data());
  return known == state.blocks.end() ? on_mock.storage() : c10::Storage(known->second.memory.lock());
}

}  // namespace

torch::Device mock_device() { return {kMock, 0}; }

void keep_lazy_signs(const Tensor& from, const Tensor& to) {
  to.unsafeGetTensorImpl()->_set_conj(from.is_conj());
  to.unsafeGetTensorImpl()->_set_neg(from.is_neg());
}

Tensor as_mock(const Tensor& on_cpu) {
  return on_same_memory<Block>(on_cpu, on_cpu.storage(), mock_device(), c10::DispatchKey::XPU);
}
// Keeps the memory, but not the block.
Tensor as_cpu(const Tensor& on_mock) {
  return on_same_memory<c10::Storage>(on_mock, memory_of(on_mock), torch::kCPU, c10::DispatchKey::CPU);
}

void mock_wait(const std::string& why) {
  MockState& state = mock_state();
  const std::lock_guard lock(state.mutex);
  if (state.watch) state.watch->waited(why);
}

MockWatch::MockWatch(Mode mode) : mode_(mode) {
  MockState& state = mock_state();
  const std::lock_guard lock(state.mutex);
  TORCH_CHECK(!state.watch, "two watches at a time");
  restart();
  state.watch = this;
}

MockWatch::~MockWatch() {
  MockState& state = mock_state();
  const std::lock_guard lock(state.mutex);
  state.watch = nullptr;
}

void MockWatch::restart() {
  MockState& state = mock_state();
  const std::lock_guard lock(state.mutex);
  first_new_block_ = state.next_block;
  state.made.clear();
  calls_.clear();
  waits_.clear();
}

void MockWatch::waited(const std::string& why) {
  TORCH_CHECK(mode_ != Mode::tape, "the host would wait for the device: ", why);
  waits_.push_back(why);
}

std::map<std::string, int64_t> MockWatch::operators() const {
  std::map<std::string, int64_t> counts;
  for (const MockCall& call : calls_) ++counts[call.name];
  return counts;
}

MockSnapshot::MockSnapshot() : generator_(at::globalContext().defaultGenerator(torch::kCPU).get_state()) {
  MockState& state = mock_state();
  const std::lock_guard lock(state.mutex);
  for (const auto& [address, block] : state.blocks) {
    const char* begin = static_cast<const char*>(address);
    copies_.push_back({block.number, {begin, begin + block.bytes}});
  }
}

void MockSnapshot::restore() const {
  MockState& state = mock_state();
  const std::lock_guard lock(state.mutex);
  std::map<int64_t, void*> places;
  for (const auto& [address, block] : state.blocks) places[block.number] = address;
  for (const Copy& copy : copies_) {
    const auto place = places.find(copy.block);
    if (place != places.end()) std::memcpy(place->second, copy.bytes.data(), copy.bytes.size());
  }
  at::Generator generator = at::globalContext().defaultGenerator(torch::kCPU);
  generator.set_state(generator_);
}

MockRoom::MockRoom() {
  MockState& state = mock_state();
  const std::lock_guard lock(state.mutex);
  for (auto& [address, block] : std::exchange(state.made, {})) {
    const auto known = state.blocks.find(address);
    if (known == state.blocks.end() || known->second.number != block.number)
      blocks_.push_back({address, block.bytes, std::move(block.memory)});
  }
}

void MockRoom::spoil() const {
  for (const Block& block : blocks_) {
    if (block.memory.lock()) std::memset(block.address, 0xff, block.bytes);
  }
}

// --- what LibTorch asks of a device ---

namespace {

c10::Stream default_stream(c10::Device device) { return c10::Stream(c10::Stream::DEFAULT, device); }

struct MockGuard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kMock; }
  c10::Device exchangeDevice(c10::Device) const override { return mock_device(); }
  c10::Device getDevice() const override { return mock_device(); }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device device) const override { return default_stream(device); }
  c10::Stream getDefaultStream(c10::Device device) const override { return default_stream(device); }
  c10::Stream getNewStream(c10::Device device, int) const override { return default_stream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
};
C10_REGISTER_GUARD_IMPL(XPU, MockGuard);

// Memory of the host that a GPU reads and writes by itself.
class PinnedMemory final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* address = bytes > 0 ? std::malloc(bytes) : nullptr;
    const std::lock_guard lock(mutex());
    ends()[address] = static_cast<char*>(address) + bytes;
    return {address, address, &release, torch::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }

  static bool contains(const void* address) {
    const std::lock_guard lock(mutex());
    const auto after = ends().upper_bound(address);
    return after != ends().begin() && address < std::prev(after)->second;
  }

 private:
  static void release(void* address) {
    const std::lock_guard lock(mutex());
    ends().erase(address);
    std::free(address);
  }
  static std::mutex& mutex() {
    static auto* mutex = new std::mutex;
    return *mutex;
  }
  static std::map<const void*, const void*>& ends() {
    static auto* ends = new std::map<const void*, const void*>;
    return *ends;
  }
};

}  // namespace

bool is_pinned_for_mock(const void* address) { return PinnedMemory::contains(address); }

}  // namespace optdnn::tests

namespace at {

struct XPUHooks final : XPUHooksInterface {
  void init() const override {}
  bool hasXPU() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex getNumGPUs() const override { return 1; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex current_device() const override { return 0; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void deviceSynchronize(c10::DeviceIndex) const override {}
  const Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    return globalContext().defaultGenerator(kCPU);
  }
  bool isPinnedPtr(const void* address) const override { return optdnn::tests::is_pinned_for_mock(address); }
  c10::Allocator* getPinnedMemoryAllocator() const override {
    static auto* pinned = new optdnn::tests::PinnedMemory;
    return pinned;
  }
};
REGISTER_XPU_HOOKS(XPUHooks);

}  // namespace at
