// The built-in coefficient sequences.
//   theta_0 = 1, theta_{k+1} = (sqrt(theta_k^4 + 4 theta_k^2) - theta_k^2) / 2        1, .6180, .4559, .3637, ...
//   fista_0 = 0, fista_k = theta_k (1 - theta_{k-1}) / theta_{k-1}                    0, 0, .2818, .4340, ...
//   nesterov_dense, with c = theta_{k+1} (1 - theta_k) / theta_k: h_{k+1,k} = 1 + c, h_{k+1,k-1} = c (h_{k,k-1} - 1),
//   h_{k+1,j} = c h_{k,j}
//   whose rows are                                                   (1), (0, 1.2818), (0, .1223, 1.4340), ...
// Source: Nesterov 1983; Beck and Teboulle 2009; Li et al. 2018 (the dense form).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace optdnn::algorithms {

struct Sequence {
  std::string_view name;
  std::string_view help;
  int indices;  // how many it takes
  // Requires `indices` entries that are not negative. None where the sequence is not defined (nesterov_dense: j >= k).
  std::optional<double> (*value)(const std::vector<int>& indices);
};

const std::vector<Sequence>& sequences();
const Sequence* find_sequence(std::string_view name);

}  // namespace optdnn::algorithms
