// Nested rings: ring j = 1 ... n holds the points r (cos a, sin a) with a uniform on [0, 2 pi), r = 3 (0.5 j + 0.2 u),
// u uniform on [0, 1]; so ring 1 lies between the radii 1.5 and 2.1, ring 2 between 3.0 and 3.6. Classes alternate
// 0, 1, 0, 1. Sample i lies on ring i mod n + 1.
// Source: Sander, Ablin, Blondel, Peyre, "Momentum residual neural networks", ICML 2021.
#pragma once

#include "optdnn/data/vector_task.h"

namespace optdnn::data {

struct NestedRingsSpec : TaskSpec {
  static constexpr std::string_view kName = "nested_rings";
  static constexpr std::string_view kHelp = "points on nested rings in the plane, classes alternate from ring to ring";
  int64_t rings = 4;
  int64_t points_per_ring = 2000;
  std::optional<int64_t> batch_size;
  double noise = 0.0;
  int64_t test_points_per_ring = 2000;

  template <class Fields>
  void fields(Fields& f) {
    TaskSpec::fields(f);
    f("rings", rings, config::between(2, 1000), "number of rings");
    f("points_per_ring", points_per_ring, config::between(1, 1e7),
      "points of each ring, per iteration when fresh, in the set when fixed");
    f("batch_size", batch_size, config::at_least(1), "points per iteration of a fixed set; default: the whole set");
    f("noise", noise, config::at_least(0), "standard deviation of a Gaussian added to both coordinates");
    f("test_points_per_ring", test_points_per_ring, config::between(1, 1e7), "points of each ring in the test set");
  }

  DataShape shape() const { return {{2}, 2, false}; }
  // Errors: ConfigError, saying which key to change.
  TaskSize size() const;
  int64_t per_iteration() const { return size().batch; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

class NestedRings : public VectorTask {
 public:
  NestedRings(const NestedRingsSpec& spec);

 private:
  void draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
            std::span<float> target) const override;
  int64_t rings_;
  double noise_;
};

}  // namespace optdnn::data
