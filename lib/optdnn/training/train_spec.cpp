#include "optdnn/training/train_spec.h"

#include <algorithm>

#include "optdnn/config/reader.h"

namespace optdnn::training {

const base::NameTable<EvaluatedWeights>& enum_names(EvaluatedWeights) {
  static const base::NameTable<EvaluatedWeights> names(
      "choices", {
                     {"ema", "the moving average where there is one", EvaluatedWeights::ema},
                     {"raw", "the weights themselves", EvaluatedWeights::raw},
                     {"both", "test/ is the average, test_raw/ the weights themselves", EvaluatedWeights::both},
                 });
  return names;
}

const base::NameTable<Precision>& enum_names(Precision) {
  static const base::NameTable<Precision> names(
      "precisions", {
                        {"float32", "everything in 32 bits", Precision::float32},
                        {"float64", "everything in 64 bits, for checks", Precision::float64},
                        {"tf32", "float32 whose products a GPU may round to 10 bits", Precision::tf32},
                        {"bfloat16", "16 bits with float32's range, where it is safe", Precision::bfloat16},
                        {"float16", "16 bits with a loss scale, where it is safe; GPU only", Precision::float16},
                    });
  return names;
}

void TrainSpec::check(config::Checker& c) const {
  if (length.fraction)
    c.error("length.fraction", "the length of the training cannot be a fraction", "give epochs or iterations");
  if (length.epochs == 0) c.error("length.epochs", "a training of no epochs");
  if (length.iterations == 0) c.error("length.iterations", "a training of no iterations");
}

namespace {
int64_t iterations_or(const std::optional<Duration>& duration, const Length& length, int64_t otherwise) {
  return std::max<int64_t>(duration ? duration->in(length) : otherwise, 1);
}
}  // namespace

int64_t TrainSpec::log_iterations(const Length& whole) const { return iterations_or(log_every, whole, 25); }
int64_t TrainSpec::save_iterations(const Length& whole) const {
  return iterations_or(save_every, whole, whole.iterations_per_epoch);
}
int64_t EvaluateSpec::every_iterations(const Length& whole) const {
  return iterations_or(every, whole, whole.iterations_per_epoch);
}

Length length_of(const TrainSpec& spec, int64_t batches_per_epoch) {
  Length length;
  length.iterations_per_epoch = (batches_per_epoch + spec.accumulate - 1) / spec.accumulate;
  length.iterations = std::max<int64_t>(spec.length.in(length), 1);
  return length;
}

}  // namespace optdnn::training
