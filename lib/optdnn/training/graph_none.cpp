// No recorded work: for programs built without a GPU's LibTorch or without CUDA's headers.
#include "optdnn/training/graph.h"

namespace optdnn::training {

std::unique_ptr<Graph> make_graph(const torch::Device&) { return nullptr; }

std::string why_no_graph(const torch::Device& device) {
  return device.is_cpu() ? "a CPU has no graphs" : "the program was built without the headers of CUDA";
}

void on_graph_stream(const torch::Device&, const std::function<void()>& work) { work(); }

}  // namespace optdnn::training
