// How long what is left of a table will take: rows cost what their multiply-adds, iterations and seeds say, and a
// second buys what it bought so far.
#pragma once

#include <functional>

#include "optdnn/experiment/run.h"

namespace optdnn::experiment {

// What training a row takes, in multiply-adds; a pass of a small network costs what it takes to call it. With its
// search. Nothing if the row's data cannot be read.
double work_of(const Row& row, size_t seeds, DataSets& datasets);

class TableTime {
 public:
  explicit TableTime(std::function<double()> seconds) : seconds_(std::move(seconds)), begin_s_(seconds_()) {}
  void add(double work) { waiting_ += work; }
  void begin(double work);  // of what was added
  void end(bool trained);   // false: there was nothing to train

  // Of all, when what is begun has `left_s` to go.
  double left_s(double left_s) const;

 private:
  std::function<double()> seconds_;
  double begin_s_;
  double waiting_ = 0, now_ = 0, done_ = 0, done_s_ = 0;
};

}  // namespace optdnn::experiment
