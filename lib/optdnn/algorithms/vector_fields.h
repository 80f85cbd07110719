// Fixed smooth vector fields of the plane: what stands in for the modules of a rule where its convergence is measured.
//   rotation   (x, y)' = (-y, x)            its flow turns by the time
//   pendulum   (x, y)' = (y, -sin x)
//   two_layer  s' = W2 tanh(W1 s + b1)      as small as a T may be
#pragma once

#include <Eigen/Core>

#include "optdnn/base/names.h"

namespace optdnn::algorithms {

using Point = Eigen::Vector2d;

enum class VectorField { rotation, pendulum, two_layer };
const base::NameTable<VectorField>& enum_names(VectorField);

Point evaluate(VectorField field, const Point& point);

}  // namespace optdnn::algorithms
