#include "optdnn/experiment/table_time.h"

#include <algorithm>

#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/trials.h"

namespace optdnn::experiment {

namespace {

constexpr double kPasses = 3;   // forward, and backward to weights and to inputs
constexpr double kCalls = 2e6;  // Choice: what an iteration costs however small it is

double work_of_one(const ExperimentSpec& spec, DataSets& datasets) {
  const data::DataSet& dataset = datasets.get(spec.dataset);
  const Loaders loaders = make_loaders(dataset, spec, {spec.seeds.front()}, 0);
  const auto macs = static_cast<double>(count_network(spec).multiply_adds);
  const training::Length length = training::length_of(spec.train, loaders.train.batches_per_epoch());
  const auto batch = static_cast<double>(loaders.train.options().batch_size * spec.train.accumulate);
  const double evaluations =
      static_cast<double>(length.iterations) / static_cast<double>(spec.evaluate.every_iterations(length));
  return static_cast<double>(length.iterations) * (kPasses * macs * batch + kCalls) +
         evaluations * macs * static_cast<double>(dataset.size(data::Split::test));
}

}  // namespace

double work_of(const Row& row, size_t seeds, DataSets& datasets) try {
  double work = static_cast<double>(seeds) * work_of_one(row.spec, datasets);
  if (row.spec.search) {
    work += static_cast<double>(trainings_of(*row.spec.search)) * work_of_one(as_trial(row.spec), datasets);
  }
  return work;
} catch (const base::Error&) {  // training says what is wrong
  return 0;
}

void TableTime::begin(double work) {
  waiting_ -= work;
  now_ = work;
  begin_s_ = seconds_();
}

void TableTime::end(bool trained) {
  if (trained) {
    done_ += now_;
    done_s_ += seconds_() - begin_s_;
  }
  now_ = 0;
}

double TableTime::left_s(double left_s) const {
  const double spent_s = seconds_() - begin_s_, whole_s = spent_s + left_s;
  const double work = done_ + now_;
  return work > 0 ? left_s + std::max(waiting_, 0.0) * (done_s_ + whole_s) / work : left_s;
}

}  // namespace optdnn::experiment
