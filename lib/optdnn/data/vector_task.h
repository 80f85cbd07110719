// Tasks whose samples are drawn, not read: each sample is a function of its own random stream.
//   training  stream (seed, task, epoch, i); epoch 0 for ever if the set is fixed
//   valid     stream (0, task "/valid", 0, i)
//   test      stream (0, task "/test", 0, i)
#pragma once

#include <span>

#include "optdnn/base/random.h"
#include "optdnn/data/dataset.h"
#include "optdnn/data/task_size.h"

namespace optdnn::data {

class VectorTask : public DataSet {
 public:
  VectorTask(std::string_view name, int64_t inputs, int64_t outputs, bool regression, TaskSize size);

  DataShape shape() const override { return {{inputs_}, outputs_, regression_}; }
  int64_t size(Split split) const override {
    return split == Split::train ? size_.train : split == Split::valid ? size_.valid : size_.test;
  }
  bool fresh() const override { return size_.fresh; }
  Batch batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const override;

 protected:
  // Writes sample i: its coordinates, and the target's coordinates or the class number.
  virtual void draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
                    std::span<float> target) const = 0;

 private:
  std::string name_;
  int64_t inputs_, outputs_;
  bool regression_;
  TaskSize size_;
};

}  // namespace optdnn::data
