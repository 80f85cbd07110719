#include "support/mock_kernels.h"

#include <cstring>

#include "support/mock_memory.h"

namespace optdnn::tests {

namespace {

// What a kernel's arguments say: memory, which is known by its address, and numbers of the host.
struct ToldArguments {
  std::string text;
  std::vector<c10::Storage> memory;  // keeps it
};

ToldArguments told(const void* arguments, size_t bytes, const MockWatch& watch) {
  ToldArguments all;
  const auto& blocks = mock_state().blocks;
  for (size_t at = 0; at + sizeof(uintptr_t) <= bytes; at += sizeof(uintptr_t)) {
    uintptr_t word = 0;
    std::memcpy(&word, static_cast<const char*>(arguments) + at, sizeof word);
    auto after = blocks.upper_bound(reinterpret_cast<void*>(word));
    const bool is_memory = after != blocks.begin() &&
                           word < reinterpret_cast<uintptr_t>(std::prev(after)->first) + std::prev(after)->second.bytes;
    if (!is_memory) {
      all.text += c10::str(" ", word);
      continue;
    }
    const MockBlock& block = std::prev(after)->second;
    all.text += watch.was_there(block.number) ? c10::str(" @", block.number) : " new";
    if (auto kept = block.memory.lock()) all.memory.emplace_back(std::move(kept));
  }
  return all;
}

}  // namespace

void MockLauncher::start(const std::string& kernel, const kernels::Grid& grid, const void* arguments, size_t bytes) {
  MockState& state = mock_state();
  if (MockWatch* watch = state.watch) {
    const std::lock_guard lock(state.mutex);
    const ToldArguments all = told(arguments, bytes, *watch);
    MockCall call{kernel, c10::str(kernel, " ", grid.blocks, " ", grid.parts, all.text), {}};
    if (watch->keeps_tape()) {
      const auto* begin = static_cast<const char*>(arguments);
      call.again = [this, kernel, grid, memory = all.memory, copy = std::vector<char>(begin, begin + bytes)] {
        EmulatedLauncher::start(kernel, grid, copy.data(), copy.size());
      };
    }
    watch->called(std::move(call));
  }
  EmulatedLauncher::start(kernel, grid, arguments, bytes);
}

}  // namespace optdnn::tests
