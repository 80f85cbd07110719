#include "optdnn/algorithms/response.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "optdnn/algorithms/root_condition.h"

namespace optdnn::algorithms {

namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kDecayed = 1e-3;  // of what start - q leaves at the last step
constexpr int kStepsForQ = 8;      // whose equations determine q; all others are checked

// A matrix by rows, without its zeros.
struct Sparse {
  int columns = 0;
  std::vector<std::vector<std::pair<int, double>>> rows;

  MatrixXd times(const MatrixXd& block) const {
    MatrixXd product = MatrixXd::Zero(static_cast<Eigen::Index>(rows.size()), block.cols());
    for (size_t i = 0; i < rows.size(); ++i) {
      for (const auto& [column, value] : rows[i])
        product.row(static_cast<Eigen::Index>(i)) += value * block.row(column);
    }
    return product;
  }
};

struct SparseStep {
  Sparse A, B, C, output;  // output: from the states before this step, one row
  std::vector<int> families;
};

Sparse sparse(const Matrix& matrix, const LeafValues& values) {
  Sparse result{matrix.columns, {}};
  for (const Row& row : matrix.rows) {
    auto& entries = result.rows.emplace_back();
    for (const Term& term : row) entries.emplace_back(term.column, term.value.evaluate<double>(values));
  }
  return result;
}

// Steps 0 ... count-1, and the output after them as a step of its own.
std::vector<SparseStep> sparse_steps(const Rule& rule, int count, const LeafValues& values) {
  std::vector<SparseStep> steps;
  for (int k = 0; k <= count; ++k) {
    SparseStep& step = steps.emplace_back();
    if (k < count) {
      const Tableau tableau = rule.step(k);
      step = {sparse(tableau.A, values), sparse(tableau.B, values), sparse(tableau.C, values), {}, {}};
      for (const Call& call : tableau.calls) step.families.push_back(call.family);
    }
    const int columns = k < count ? step.A.columns : static_cast<int>(steps[steps.size() - 2].A.rows.size());
    step.output = sparse({columns, {rule.output(k)}}, values);
  }
  return steps;
}

bool has_constant_state(const std::vector<SparseStep>& steps) {
  return std::all_of(steps.begin(), steps.end() - 1, [&](const SparseStep& step) {
    return step.A.columns == steps[0].A.columns && static_cast<int>(step.A.rows.size()) == step.A.columns;
  });
}

// The q before step 0: the least-squares solution of the first steps' equations.
VectorXd solve_q(const std::vector<SparseStep>& steps, bool constant_state) {
  const int n = steps[0].A.columns;
  std::vector<MatrixXd> blocks;
  std::vector<double> wanted;
  MatrixXd carried = MatrixXd::Identity(n, n);
  for (int k = 0; k < std::min<int>(kStepsForQ, static_cast<int>(steps.size()) - 1); ++k) {
    blocks.push_back(steps[k].C.times(carried));
    wanted.insert(wanted.end(), steps[k].C.rows.size(), 1.0);
    if (constant_state) {
      blocks.push_back(steps[k].A.times(carried) - carried);
      wanted.insert(wanted.end(), static_cast<size_t>(n), 0.0);
    } else {
      carried = steps[k].A.times(carried);
    }
  }
  MatrixXd system(static_cast<Eigen::Index>(wanted.size()), n);
  Eigen::Index row = 0;
  for (const MatrixXd& block : blocks) {
    system.middleRows(row, block.rows()) = block;
    row += block.rows();
  }
  return system.completeOrthogonalDecomposition().solve(
      Eigen::Map<VectorXd>(wanted.data(), static_cast<Eigen::Index>(wanted.size())));
}

double largest(const MatrixXd& m) { return m.size() == 0 ? 0.0 : m.cwiseAbs().maxCoeff(); }

void follow_q(const std::vector<SparseStep>& steps, const VectorXd& start, Response& response) {
  const bool constant_state = has_constant_state(steps);
  const int count = static_cast<int>(steps.size()) - 1;
  MatrixXd q = solve_q(steps, constant_state);
  MatrixXd rest = start - q;
  bool any_call = false;
  response.preconsistent = response.reads = true;
  double left = 0.0;
  for (int k = 0; k <= count; ++k) {
    const SparseStep& step = steps[k];
    const auto near_one = [](const MatrixXd& m) { return largest(m - MatrixXd::Ones(m.rows(), m.cols())) < kExact; };
    response.reads &= near_one(step.output.times(q));
    left = largest(step.output.times(rest));
    if (k == count) break;
    any_call |= !step.families.empty();
    response.preconsistent &= near_one(step.C.times(q));
    MatrixXd next = step.A.times(q);
    if (constant_state) {
      response.preconsistent &= largest(next - q) < kExact;  // it stays, so that no rounding grows with the steps
    } else {
      q = std::move(next);
    }
    left = std::max(left, largest(step.C.times(rest)));
    rest = step.A.times(rest);
  }
  response.preconsistent &= any_call;
  response.started = left < kDecayed;
}

// The largest |entry| of left * right, where the inner dimension is mostly one.
double largest_of_product(const MatrixXd& left, const MatrixXd& right) {
  return left.cols() == 1 ? largest(left) * largest(right) : largest(left * right);
}

// One call: what came before has done to its argument, by family, and what it does to the output.
struct CallEffect {
  Eigen::RowVectorXd before;
  int family;
  double on_output;
};

MeanEffect mean_effect(std::vector<CallEffect> calls, size_t families, int K) {
  MeanEffect effect{std::vector<double>(families), 0.0};
  for (const CallEffect& call : calls) effect.mean[static_cast<size_t>(call.family)] += call.on_output / K;
  const auto larger = [](double a, double b) { return std::abs(a) < std::abs(b); };
  const auto most = std::max_element(effect.mean.begin(), effect.mean.end(), larger);
  if (most == effect.mean.end() || *most == 0.0) return effect;
  const double whole = *most * K;
  const Eigen::Index clock = most - effect.mean.begin();
  const auto time = [&](const CallEffect& call) { return call.before(clock) / whole; };
  std::stable_sort(calls.begin(), calls.end(), [&](const auto& a, const auto& b) { return time(a) < time(b); });
  std::vector<double> done(families);
  for (size_t i = 0; i < calls.size(); ++i) {
    done[static_cast<size_t>(calls[i].family)] += calls[i].on_output / K;
    const double now = time(calls[i]);
    if (i + 1 < calls.size() && time(calls[i + 1]) - now < 1e-9) continue;  // at the same time
    for (size_t f = 0; f < families; ++f)
      effect.unevenness = std::max(effect.unevenness, std::abs(done[f] - now * effect.mean[f]));
  }
  return effect;
}

}  // namespace

Response measure_response(const Rule& rule, int count, const LeafValues& values) {
  const std::vector<SparseStep> steps = sparse_steps(rule, count, values);
  Response response;
  VectorXd start = VectorXd::Zero(steps[0].A.columns);
  for (const Term& term : rule.start()) start(term.column) = term.value.evaluate<double>(values);
  follow_q(steps, start, response);

  const size_t families = rule.families().size();
  std::array<std::vector<CallEffect>, 3> calls;  // of count/4, count/2 and count steps
  std::vector<MatrixXd> done;                    // by step: to each argument, by each family
  for (int k = 0; k < count; ++k)
    done.push_back(
        MatrixXd::Zero(static_cast<Eigen::Index>(steps[k].C.rows.size()), static_cast<Eigen::Index>(families)));
  std::vector<double> in_arguments(count + 1, 0.0), in_output(count + 1, 0.0);
  for (int j = 0; j < count; ++j) {
    // B_j = (unit columns of its nonzero rows) * (those rows); the units are carried forward.
    const Sparse& B = steps[j].B;
    std::vector<int> rows;
    for (size_t i = 0; i < B.rows.size(); ++i) {
      if (!B.rows[i].empty()) rows.push_back(static_cast<int>(i));
    }
    MatrixXd carried = MatrixXd::Zero(static_cast<Eigen::Index>(B.rows.size()), static_cast<Eigen::Index>(rows.size()));
    MatrixXd weights = MatrixXd::Zero(static_cast<Eigen::Index>(rows.size()), B.columns);
    MatrixXd by_family = MatrixXd::Zero(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(families));
    for (size_t r = 0; r < rows.size(); ++r) {
      const auto row = static_cast<Eigen::Index>(r);
      carried(rows[r], row) = 1.0;
      for (const auto& [call, value] : B.rows[rows[r]]) {
        weights(row, call) = value;
        by_family(row, steps[j].families[call]) += value;
      }
    }
    for (int k = j + 1; k <= count && !rows.empty(); ++k) {
      const MatrixXd read = steps[k].output.times(carried);
      in_output[k] = std::max(in_output[k], largest_of_product(read, weights));
      for (int i = 0; i < 3; ++i) {
        if (k != count >> (2 - i)) continue;
        const Eigen::RowVectorXd moved = read * weights;
        for (Eigen::Index call = 0; call < moved.cols(); ++call)
          calls[i].push_back({done[j].row(call), steps[j].families[static_cast<size_t>(call)], moved(call)});
      }
      if (k == count) break;
      const MatrixXd argued = steps[k].C.times(carried);
      done[k] += argued * by_family;
      in_arguments[k] = std::max(in_arguments[k], largest_of_product(argued, weights));
      carried = steps[k].A.times(carried);
    }
  }
  for (int i = 0; i < 3; ++i) response.effects[i] = mean_effect(std::move(calls[i]), families, count >> (2 - i));
  double largest_before = 0.0, largest_output = 0.0;
  for (int K = 0; K <= count; ++K) {
    largest_output = std::max(largest_output, in_output[K]);
    response.stability.push_back(std::max(largest_before, largest_output));
    largest_before = std::max(largest_before, in_arguments[K]);
  }
  return response;
}

}  // namespace optdnn::algorithms
