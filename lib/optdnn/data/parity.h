// Parity: vertices v of {-1, 1}^d, each coordinate with Gaussian jitter; class 1 if the product of the first `relevant`
// coordinates of v (by default all) is +1, else 0. With all vertices sample i sits at vertex i mod 2^d, whose bit b,
// when set, makes coordinate b +1; otherwise every sample draws its vertex.
#pragma once

#include "optdnn/data/vector_task.h"

namespace optdnn::data {

struct ParitySpec : TaskSpec {
  static constexpr std::string_view kName = "parity";
  static constexpr std::string_view kHelp = "vertices of the cube {-1, 1}^d, class: sign of the product of coordinates";
  int64_t d = 4;
  std::optional<int64_t> relevant;
  std::optional<int64_t> points;
  double jitter = 0.1;
  std::optional<int64_t> batch_size;
  int64_t test_points = 4096;

  template <class Fields>
  void fields(Fields& f) {
    TaskSpec::fields(f);
    f("d", d, config::between(1, 1e5), "dimension of the cube");
    f("relevant", relevant, config::at_least(1),
      "the label is the product of the first so many coordinates; default: of all d");
    f("points", points, config::at_least(1),
      "vertices drawn at random, per iteration when fresh, in the set when fixed; default: all 2^d vertices");
    f("jitter", jitter, config::at_least(0), "standard deviation of a Gaussian added to every coordinate");
    f("batch_size", batch_size, config::at_least(1), "points per iteration of a fixed set; default: the whole set");
    f("test_points", test_points, config::between(1, 1 << 22), "points in the test set");
  }

  DataShape shape() const { return {{d}, 2, false}; }
  // Errors: ConfigError, saying which key to change.
  TaskSize size() const;
  int64_t per_iteration() const { return size().batch; }
  std::unique_ptr<DataSet> make(const Place& place) const;
};

class Parity : public VectorTask {
 public:
  Parity(const ParitySpec& spec);

 private:
  void draw(Split split, int64_t i, base::RandomStream& random, std::span<float> input,
            std::span<float> target) const override;
  int64_t d_, relevant_;
  bool all_vertices_, test_holds_all_;  // every vertex by its number; otherwise vertices are drawn
  double jitter_;
};

}  // namespace optdnn::data
