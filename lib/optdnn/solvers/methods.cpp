// Picard's method, and the solvers by their specs.
#include "optdnn/solvers/anderson.h"
#include "optdnn/solvers/broyden.h"

namespace optdnn::solvers {

namespace {

// u+ = d u + (1 - d) F(u)
class Picard : public Method {
 public:
  explicit Picard(const PicardSpec& spec) : damping_(spec.damping) {}
  torch::Tensor next(const torch::Tensor& u, const torch::Tensor& f, const torch::Tensor& /*g*/) override {
    return damping_ == 0.0 ? f : torch::lerp(f, u, damping_);
  }

 private:
  double damping_;
};

std::unique_ptr<Method> build(const PicardSpec& spec) { return std::make_unique<Picard>(spec); }
std::unique_ptr<Method> build(const AndersonSpec& spec) { return std::make_unique<Anderson>(spec); }
std::unique_ptr<Method> build(const BroydenSpec& spec) { return std::make_unique<Broyden>(spec); }

}  // namespace

std::unique_ptr<Method> make_method(const SolverSpec& spec) {
  return std::visit([](const auto& chosen) { return build(chosen); }, spec);
}

}  // namespace optdnn::solvers
