// What the equilibrium networks on images have in common.
#pragma once

namespace optdnn::baselines {

// Their convolutions start at N(0, 0.01^2), as published; of mdeq see mdeq.h.
inline constexpr double kEquilibriumDeviation = 0.01;

}  // namespace optdnn::baselines
