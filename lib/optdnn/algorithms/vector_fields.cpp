#include "optdnn/algorithms/vector_fields.h"

#include <cmath>

namespace optdnn::algorithms {

const base::NameTable<VectorField>& enum_names(VectorField) {
  static const base::NameTable<VectorField> table(
      "vector fields", {
                           {"rotation", "(-y, x)", VectorField::rotation},
                           {"pendulum", "(y, -sin x)", VectorField::pendulum},
                           {"two_layer", "W2 tanh(W1 s + b1) with fixed weights", VectorField::two_layer},
                       });
  return table;
}

namespace {

Point two_layer(const Point& s) {
  const Eigen::Matrix<double, 3, 2> W1{{1.2, -0.4}, {-0.7, 0.9}, {0.3, 1.1}};
  const Eigen::Vector3d b1{0.1, -0.2, 0.3};
  const Eigen::Matrix<double, 2, 3> W2{{0.6, -0.8, 0.3}, {-0.5, 0.2, -0.7}};
  return W2 * (W1 * s + b1).array().tanh().matrix();
}

}  // namespace

Point evaluate(VectorField field, const Point& s) {
  switch (field) {
    case VectorField::rotation:
      return {-s.y(), s.x()};
    case VectorField::pendulum:
      return {s.y(), -std::sin(s.x())};
    case VectorField::two_layer:
      break;
  }
  return two_layer(s);
}

}  // namespace optdnn::algorithms
