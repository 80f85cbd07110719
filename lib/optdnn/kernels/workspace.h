// Memory a call works in, handed on from call to call: a process keeps as many blocks as calls ran at once, each as
// large as its largest call wanted. On large pages where the system has them, since kernels walk dozens of streams.
#pragma once

#include <cstdint>

namespace optdnn::kernels {

class Workspace {
 public:
  explicit Workspace(int64_t floats);  // not initialised. Errors: std::bad_alloc
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  float* data() const { return block_.data; }

  struct Block {
    float* data = nullptr;
    int64_t floats = 0;
  };

 private:
  Block block_;
};

// Bytes of the blocks that wait for the next call, and their return to the system.
int64_t idle_workspace_bytes();
void free_idle_workspaces();

}  // namespace optdnn::kernels
