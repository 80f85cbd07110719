#include "optdnn/kernels/gpu_cast.h"

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/kernels/gpu/cast.h"

namespace optdnn::kernels {

namespace {

using gpu::Casts;
using torch::Tensor;

constexpr int64_t kWidth = 8, kAlignment = 32;  // bytes of so many float32
constexpr int kVectorsEach = 2;                 // at least, for a thread of the largest tensor

std::string cast_kernel(torch::Dtype from, torch::Dtype to, int64_t width) {
  return base::concat("cast<", kernel_type(from), ", ", kernel_type(to), ", ", width, ">");
}

bool is_cast_aligned(const Tensor& x) { return reinterpret_cast<uintptr_t>(x.const_data_ptr()) % kAlignment == 0; }

int64_t up(int64_t count, int64_t multiple) { return (count + multiple - 1) / multiple * multiple; }

}  // namespace

bool gpu_casts(const torch::Device& device, torch::Dtype from, torch::Dtype to) {
  if (kernel_type(from).empty() || kernel_type(to).empty()) return false;
  Launcher* found = launcher(device);
  return found && found->has(cast_kernel(from, to, kWidth)) && found->has(cast_kernel(from, to, 1));
}

std::vector<Tensor> gpu_cast(at::TensorList tensors, torch::Dtype to) {
  const at::AutoDispatchBelowADInplaceOrView no_views_to_track;
  int64_t room = 0;
  for (const Tensor& tensor : tensors) room += up(tensor.numel(), kWidth);
  const Tensor all = torch::empty({room}, tensors.front().options().dtype(to));
  std::vector<Tensor> made;
  room = 0;
  for (const Tensor& tensor : tensors) {
    made.push_back(all.as_strided(tensor.sizes(), tensor.strides(), room));
    room += up(tensor.numel(), kWidth);
  }

  Launcher& launcher = *kernels::launcher(all.device());
  const int64_t width = std::all_of(tensors.begin(), tensors.end(), is_cast_aligned) ? kWidth : 1;
  const std::string kernel = cast_kernel(tensors.front().scalar_type(), to, width);
  for (size_t begin = 0; begin < tensors.size(); begin += Casts::kMost) {
    const size_t end = std::min<size_t>(tensors.size(), begin + Casts::kMost);
    Casts casts{};
    int64_t largest = 0;
    for (size_t i = begin; i < end; ++i) {
      casts.parts[i - begin] = {tensors[i].const_data_ptr(), made[i].data_ptr(), tensors[i].numel()};
      largest = std::max(largest, tensors[i].numel());
    }
    const int64_t of_block = launcher.threads() * width * kVectorsEach;
    Grid grid;
    grid.blocks = static_cast<int>(std::clamp<int64_t>(up(largest, of_block) / of_block, 1, launcher.processors()));
    grid.parts = static_cast<int>(end - begin);
    grid.threads = launcher.threads();
    launcher.launch(kernel, grid, casts);
  }
  return made;
}

}  // namespace optdnn::kernels
