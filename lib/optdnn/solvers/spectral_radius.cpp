#include "optdnn/solvers/spectral_radius.h"

namespace optdnn::solvers {

using torch::Tensor;

Tensor spectral_radius(const Map& F, const Tensor& u_SN, int iterations) {
  const torch::AutoGradMode with_gradients(true);
  const Tensor u = u_SN.detach().requires_grad_();
  const Tensor f = F(u);
  Tensor v = (torch::arange(u.size(1), u.options().requires_grad(false)) * 1.7 + 0.4).sin().expand_as(u);
  v = v / v.norm(2, 1, true);
  Tensor growth = torch::zeros({u.size(0)}, v.options());
  for (int i = 0; i < iterations; ++i) {
    v = torch::autograd::grad({f}, {u}, {v}, /*retain_graph=*/true)[0];
    const Tensor norm = v.norm(2, 1).clamp_min(1e-30);
    if (2 * i >= iterations) growth = growth + norm.log();
    v = v / norm.unsqueeze(1);
  }
  return (growth / ((iterations + 1) / 2)).exp();
}

}  // namespace optdnn::solvers
