// Telgarsky's function: the tent map t(x) = 2x for x <= 1/2, 2(1 - x) above, composed k times on [0, 1]. It has 2^k
// linear pieces, so depth k makes it with two units a layer while a shallow network needs exponentially many.
// Training points are uniform on [0, 1]; the test set is the grid (i + 1/2)/n, on which the best constant 1/2 has mean
// squared error 1/12 and mean absolute error 1/4.
// Source: Telgarsky, "Benefits of depth in neural networks", COLT 2016.
#pragma once

#include "optdnn/data/vector_task.h"

namespace optdnn::data {

struct TelgarskySpec : TaskSpec {
  static constexpr std::string_view kName = "telgarsky";
  static constexpr std::string_view kHelp = "regression of the tent map composed k times on [0, 1]: 2^k linear pieces";
  int64_t k = 3;
  int64_t points = 4096;
  int64_t batch_size = 1024;
  int64_t test_points = 16384;

  template <class Fields>
  void fields(Fields& f) {
    TaskSpec::fields(f);
    f("k", k, config::at_least(1), "how often the tent map is composed");
    f("points", points, config::at_least(1), "points of a fixed set");
    f("batch_size", batch_size, config::at_least(1), "points per iteration");
    f("test_points", test_points, config::between(1, 1 << 22), "points of the even grid that the test set is");
  }

  DataShape shape() const { return {{1}, 1, true}; }
  // Errors: ConfigError, saying which key to change.
  TaskSize size() const;
  int64_t per_iteration() const { return size().batch; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

// Exact for a float x and k <= 29: every step is exact in double.
double composed_tent_map(double x, int64_t k);

class Telgarsky : public VectorTask {
 public:
  Telgarsky(const TelgarskySpec& spec);

 private:
  void draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
            std::span<float> target) const override;
  int64_t k_;
};

}  // namespace optdnn::data
