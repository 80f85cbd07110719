// A monotone operator equilibrium network of one convolution with periodic edges,
//
//   z = P relu(W z + U x + b),   W = (1 - m) I - g A^T A + B - B^T      so that I - W is at least m I: one solution
//
// with A = A' / |A'|, B = h B' / |B'| and P, which makes a border of one pixel zero, found by operator splitting:
//   forward_backward    z <- P relu(z - alpha (z - W z - U x - b))
//   peaceman_rachford   y = 2 P relu(w) - w,  w <- 2 V(y + alpha (U x + b)) - y,  z = P relu(w),
//                       V = ((1 + alpha) I - alpha W)^-1 by FFT
// P relu is the resolvent of z >= 0 inside and z = 0 in the border, so both splittings converge as they do without it.
// Source: Winston, Kolter 2020, arXiv 2006.08591. As there the image gets that border, and the head is an average over
// 4 x 4 pixels and one linear map: 172,218 parameters at width 81 on CIFAR-10.
#pragma once

#include "optdnn/base/names.h"
#include "optdnn/baselines/baseline.h"
#include "optdnn/config/fields.h"
#include "optdnn/solvers/fixed_point.h"

namespace optdnn::baselines {

enum class Splitting { peaceman_rachford, forward_backward };
const base::NameTable<Splitting>& enum_names(Splitting);

struct MonDeqSpec {
  static constexpr std::string_view kName = "mondeq";
  static constexpr std::string_view kHelp =
      "a monotone operator equilibrium network of one convolution (Winston, Kolter 2020)";
  MonDeqSpec() {
    solvers::PicardSpec picard;
    picard.steps = 100;
    solver = picard;
  }
  int64_t width = 81;
  double margin = 1.0;
  Splitting splitting = Splitting::peaceman_rachford;
  double alpha = 1.0;
  solvers::SolverSpec solver;
  template <class Fields>
  void fields(Fields& f) {
    f("width", width, config::between(1, 1024), "channels of the state");
    f("margin", margin, config::above(0), "m: strong monotonicity of I - W");
    f("splitting", splitting, "the iteration whose fixed point is the equilibrium");
    f("alpha", alpha, config::above(0), "its step size; forward_backward converges for small ones only");
    f("solver", solver, "picard: the splitting as published; the others speed it up");
  }
  // Errors: ConfigError if the input is no image, or smaller than 2 pixels.
  void check(const NetworkShape& shape) const;
  Count count(const NetworkShape& shape) const;
  models::Network make(const NetworkShape& shape) const;
};

class MonDeqImpl : public torch::nn::Module {
 public:
  // Errors: those of the spec's check.
  MonDeqImpl(const MonDeqSpec& spec, const NetworkShape& shape);
  // Shapes: images_BCHW -> logits_BK.
  torch::Tensor forward(const torch::Tensor& images_BCHW);

  // Shapes: images_BCHW -> B x width x H+2 x W+2, zero in the border.
  torch::Tensor equilibrium(const torch::Tensor& images_BCHW);
  torch::Tensor injection(const torch::Tensor& images_BCHW);  // U x + b
  torch::Tensor times_W(const torch::Tensor& z);

 private:
  struct Kernels;
  Kernels kernels() const;

  MonDeqSpec spec_;
  torch::Tensor A_, B_, g_, h_, U_, bias_;
  modules::Affine linear_{nullptr};
  solvers::FixedPoint solver_;
};
TORCH_MODULE(MonDeq);

}  // namespace optdnn::baselines
