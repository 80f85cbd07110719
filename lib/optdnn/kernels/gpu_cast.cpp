#include "optdnn/kernels/gpu_cast.h"

#include <ATen/ceil_div.h>

#include <algorithm>

#include "optdnn/base/text.h"
#include "optdnn/kernels/gpu/cast.h"
#include "optdnn/kernels/layout.h"

namespace optdnn::kernels {

namespace {

using gpu::Casts;
using torch::Tensor;

constexpr int64_t kWidth = 8;
constexpr int kVectorsEach = 2;        // at least, for a thread of the largest tensor
constexpr int kBlocksOfProcessor = 4;  // at most, of a tensor

std::string cast_kernel(torch::Dtype from, torch::Dtype to, int64_t width) {
  return base::concat("cast<", kernel_type(from), ", ", kernel_type(to), ", ", width, ">");
}

struct Matrix {
  int rows, columns;
};

Matrix matrix_of(at::IntArrayRef sizes, int64_t parts) {
  const int64_t columns = (sizes.size() == 4 ? sizes[1] : sizes.back()) / parts;
  return {static_cast<int>(c10::multiply_integers(sizes) / columns), static_cast<int>(columns)};
}

gpu::CastPart part_of(const Tensor& from, const Tensor& to, int64_t parts) {
  const bool same = from.sizes() == to.sizes();
  const Matrix whole{1, static_cast<int>(from.numel())};
  const Matrix of = same ? whole : matrix_of(from.sizes(), parts), into = same ? whole : matrix_of(to.sizes(), parts);
  return {from.const_data_ptr(), to.data_ptr(), of.rows, of.columns, into.rows, into.columns};
}

std::vector<int64_t> strides_of(at::IntArrayRef sizes) {
  if (sizes.size() == 4) return at::get_channels_last_strides_2d(sizes);
  const auto strides = c10::contiguous_strides(sizes);
  return {strides.begin(), strides.end()};
}

}  // namespace

bool gpu_casts(const torch::Device& device, torch::Dtype from, torch::Dtype to) {
  if (kernel_type(from).empty() || kernel_type(to).empty()) return false;
  Launcher* found = launcher(device);
  return found && found->has(cast_kernel(from, to, kWidth)) && found->has(cast_kernel(from, to, 1));
}

std::vector<Tensor> gpu_cast(at::TensorList tensors, torch::Dtype to, const std::vector<Shape>& shapes) {
  const at::AutoDispatchBelowADInplaceOrView no_views_to_track;
  const auto sizes_of = [&](size_t i) {
    return shapes.empty() ? tensors[i].sizes() : at::IntArrayRef(shapes[i].sizes);
  };
  std::vector<int64_t> begin = {0};
  for (size_t i = 0; i < tensors.size(); ++i) {
    begin.push_back(begin.back() + at::round_up(c10::multiply_integers(sizes_of(i)), kWidth));
  }
  const Tensor all = torch::empty({begin.back()}, tensors.front().options().dtype(to).requires_grad(false));
  std::vector<Tensor> made;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const bool same = sizes_of(i) == tensors[i].sizes();
    made.push_back(all.as_strided(sizes_of(i), same ? tensors[i].strides().vec() : strides_of(sizes_of(i)), begin[i]));
  }
  gpu_cast_to(tensors, made, shapes);
  return made;
}

void gpu_cast_to(at::TensorList from, at::TensorList to, const std::vector<Shape>& shapes) {
  Launcher& launcher = *kernels::launcher(to.front().device());
  const auto is_aligned_each = [](at::TensorList list) {
    return std::all_of(list.begin(), list.end(),
                       [](const Tensor& x) { return is_aligned(x, kWidth * x.element_size()); });
  };
  const int64_t width = is_aligned_each(from) && is_aligned_each(to) ? kWidth : 1;
  const std::string kernel = cast_kernel(from.front().scalar_type(), to.front().scalar_type(), width);
  for (size_t begin = 0; begin < from.size(); begin += Casts::kMost) {
    const size_t end = std::min<size_t>(from.size(), begin + Casts::kMost);
    Casts casts{};
    int64_t largest = 0;
    for (size_t i = begin; i < end; ++i) {
      casts.parts[i - begin] = part_of(from[i], to[i], shapes.empty() ? 1 : shapes[i].parts);
      largest = std::max(largest, to[i].numel());
    }
    const int64_t of_block = launcher.threads() * width * kVectorsEach;
    Grid grid;
    grid.blocks = static_cast<int>(
        std::clamp<int64_t>(at::ceil_div(largest, of_block), 1, kBlocksOfProcessor * launcher.processors()));
    grid.parts = static_cast<int>(end - begin);
    grid.threads = launcher.threads();
    launcher.launch(kernel, grid, casts);
  }
}

}  // namespace optdnn::kernels
