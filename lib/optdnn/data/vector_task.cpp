#include "optdnn/data/vector_task.h"

namespace optdnn::data {

VectorTask::VectorTask(std::string_view name, int64_t inputs, int64_t outputs, bool regression, TaskSize size)
    : name_(name), inputs_(inputs), outputs_(outputs), regression_(regression), size_(size) {}

Batch VectorTask::batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const {
  const auto streams = split == Split::train
                           ? base::StreamFamily(seed, name_, size_.fresh ? epoch : 0)
                           : base::StreamFamily(0, name_ + (split == Split::test ? "/test" : "/valid"));
  const auto rows = static_cast<int64_t>(indices.size());
  const int64_t columns = regression_ ? outputs_ : 1;
  torch::Tensor inputs_BD = torch::empty({rows, inputs_});
  torch::Tensor targets_BD = torch::empty({rows, columns});
  float* input = inputs_BD.mutable_data_ptr<float>();
  float* target = targets_BD.mutable_data_ptr<float>();
  for (const int64_t i : indices) {
    base::RandomStream random = streams.sample(i);
    draw(split, i, random, std::span(input, inputs_), std::span(target, columns));
    input += inputs_;
    target += columns;
  }
  if (!regression_) targets_BD = targets_BD.squeeze(1).to(torch::kInt64);
  return {inputs_BD, targets_BD};
}

}  // namespace optdnn::data
