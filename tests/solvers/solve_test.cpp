// Solvers on maps whose fixed points are known, and on maps that have none.
#include "optdnn/solvers/solve.h"

#include "solvers/maps.h"

using namespace optdnn;
using tests::LinearMap;
using torch::Tensor;

namespace {

solvers::AndersonSpec anderson(int64_t steps, double tolerance) {
  solvers::AndersonSpec spec;
  spec.steps = steps;
  spec.tolerance = tolerance;
  return spec;
}

double largest(const Tensor& x) { return x.abs().max().item<double>(); }

}  // namespace

TEST_CASE("on a linear contraction every solver finds what a dense linear solve finds") {
  const LinearMap F(7, 12, 0.8);
  for (const auto& spec : tests::every_solver()) {
    INFO(tests::name_of(spec));
    const auto solution = solvers::solve(spec, F, torch::zeros({7, 12}, torch::kFloat64));
    REQUIRE_FALSE(solution.failed_S.any().item<bool>());
    REQUIRE(largest(solution.u_SN - F.solution()) < 1e-11);
    REQUIRE(largest(solution.residual_S) <= 1e-13);
  }
}

TEST_CASE("Anderson and Broyden need fewer steps than Picard, and solve where Picard cannot") {
  const Tensor start = torch::zeros({7, 12}, torch::kFloat64);
  const LinearMap slow(7, 12, 0.99);
  std::vector<double> steps;
  for (const auto& spec : tests::every_solver(1000, 1e-8)) {
    steps.push_back(solvers::solve(spec, slow, start).steps_S.mean().item<double>());
  }
  REQUIRE(steps[1] < 0.7 * steps[0]);
  REQUIRE(steps[2] < 0.7 * steps[0]);

  const auto stretch = [](const Tensor& u) { return 1.0 - 1.5 * u; };  // Picard's error grows by half a step
  for (const auto& spec : tests::every_solver(40, 1e-10)) {
    INFO(tests::name_of(spec));
    const auto solution = solvers::solve(spec, stretch, start);
    const bool failed = solution.failed_S.any().item<bool>();
    REQUIRE(failed == std::holds_alternative<solvers::PicardSpec>(spec));
    if (failed) {
      REQUIRE(torch::equal(solution.u_SN, start));  // the best of iterates that grow is the first
    } else {
      REQUIRE(largest(solution.u_SN - 0.4) < 1e-9);
    }
  }
}

TEST_CASE("samples stop one by one, each where it would stop alone") {
  LinearMap F(4, 6, 1.0);
  F.matrix_SNN = F.matrix_SNN * torch::tensor({0.1, 0.5, 0.8, 0.9}, torch::kFloat64).view({-1, 1, 1});
  for (const auto& spec : tests::every_solver(500, 1e-6)) {
    INFO(tests::name_of(spec));
    const auto together = solvers::solve(spec, F, torch::zeros({4, 6}, torch::kFloat64));
    REQUIRE(together.steps_S[0].item<double>() < together.steps_S[3].item<double>());
    for (int64_t s = 0; s < 4; ++s) {
      const auto alone = solvers::solve(spec, F.of_sample(s), torch::zeros({1, 6}, torch::kFloat64));
      REQUIRE(alone.steps_S[0].item<double>() == together.steps_S[s].item<double>());
      REQUIRE(largest(alone.u_SN[0] - together.u_SN[s]) < 1e-9);
    }
  }
}

TEST_CASE("a sample that is no longer finite keeps its best iterate, is marked, and leaves the others alone") {
  const LinearMap F(3, 5, 0.5);
  for (const auto& spec : tests::every_solver(100, 1e-12)) {
    INFO(tests::name_of(spec));
    int calls = 0;
    const auto breaks = [&](const Tensor& u) {
      Tensor f = F(u).clone();
      if (++calls > 3) f[1].fill_(std::nan(""));
      return f;
    };
    const auto solution = solvers::solve(spec, breaks, torch::zeros({3, 5}, torch::kFloat64));
    REQUIRE(torch::equal(solution.failed_S, torch::tensor({false, true, false})));
    REQUIRE(solution.u_SN.isfinite().all().item<bool>());
    REQUIRE(solution.residual_S[1].item<double>() < 1.0);
    REQUIRE(largest((solution.u_SN - F.solution())[0]) < 1e-10);
    REQUIRE(largest((solution.u_SN - F.solution())[2]) < 1e-10);
  }
}

TEST_CASE("a map without a fixed point, and one that is not finite anywhere, throw nothing and are counted") {
  const Tensor start = torch::zeros({3, 5}, torch::kFloat64);
  for (const auto& spec : tests::every_solver(20, 1e-6)) {
    INFO(tests::name_of(spec));
    const auto moved = solvers::solve(
        spec, [](const Tensor& u) { return u + 1.0; }, start);  // Anderson's Gram: singular
    REQUIRE(moved.failed_S.all().item<bool>());
    REQUIRE(moved.u_SN.isfinite().all().item<bool>());
    const auto lost = solvers::solve(
        spec, [](const Tensor& u) { return u * std::nan(""); }, start);
    REQUIRE(lost.failed_S.all().item<bool>());
    REQUIRE(torch::equal(lost.u_SN, start));
    const auto still = solvers::solve(
        spec, [](const Tensor& u) { return u; }, start);  // residual 0 at once
    REQUIRE_FALSE(still.failed_S.any().item<bool>());
  }
}

TEST_CASE("without a tolerance all steps are taken; with check_every the residual is looked at that often") {
  const LinearMap F(3, 5, 0.1);
  int calls = 0;
  const auto counted = [&](const Tensor& u) {
    ++calls;
    return F(u);
  };
  auto spec = anderson(17, 0.0);
  const Tensor start = torch::zeros({3, 5}, torch::kFloat64);
  REQUIRE_FALSE(solvers::solve(spec, counted, start).failed_S.any().item<bool>());
  REQUIRE(calls == 17);
  calls = 0;
  spec.tolerance = 1e-3;
  spec.check_every = 5;
  const auto solution = solvers::solve(spec, counted, start);
  REQUIRE(calls == 5);
  REQUIRE(solution.looked_at == std::vector<int64_t>{5});
}

TEST_CASE("Anderson in single precision reaches a residual of 1e-5 and keeps it") {
  const LinearMap F(64, 40, 0.95);
  const auto single = [&](const Tensor& u) { return F(u.to(torch::kFloat64)).to(torch::kFloat32); };
  const auto solution = solvers::solve(anderson(100, 1e-5), single, torch::zeros({64, 40}));
  REQUIRE_FALSE(solution.failed_S.any().item<bool>());
}
