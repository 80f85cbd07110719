// The regression of the 2018 paper: pairs (x, y) of independent N(0, I) vectors in R^d, so that there is nothing to
// learn beyond the pairs themselves; a network's mean squared error on them says how much of 1 it can explain.
// Source: Li, Yang, Chen, Lin, "Optimization algorithm inspired deep neural network structure design", ACML 2018.
#pragma once

#include "optdnn/data/vector_task.h"

namespace optdnn::data {

struct Regression2018Spec : TaskSpec {
  Regression2018Spec() { samples = Samples::fixed; }
  static constexpr std::string_view kName = "regression_2018";
  static constexpr std::string_view kHelp = "pairs of independent N(0, I) vectors, the regression of the 2018 paper";
  int64_t d = 100;
  int64_t points = 10000;
  int64_t batch_size = 100;
  int64_t test_points = 10000;

  template <class Fields>
  void fields(Fields& f) {
    TaskSpec::fields(f);
    f("d", d, config::between(1, 1e5), "dimension of inputs and targets");
    f("points", points, config::at_least(1), "pairs of a fixed set");
    f("batch_size", batch_size, config::at_least(1), "pairs per iteration");
    f("test_points", test_points, config::between(1, 1 << 22), "pairs in the test set");
  }

  DataShape shape() const { return {{d}, d, true}; }
  // Errors: ConfigError, saying which key to change.
  TaskSize size() const;
  int64_t per_iteration() const { return size().batch; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

class Regression2018 : public VectorTask {
 public:
  Regression2018(const Regression2018Spec& spec);

 private:
  void draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
            std::span<float> target) const override;
};

}  // namespace optdnn::data
