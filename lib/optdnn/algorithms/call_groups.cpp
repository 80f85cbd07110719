#include "optdnn/algorithms/call_groups.h"

#include <algorithm>

namespace optdnn::algorithms {

namespace {

// Tarjan 1972: components come out after all they depend on.
class Components {
 public:
  explicit Components(const Matrix& D) : D_(D), number_(D.rows.size(), -1), lowest_(number_), open_(number_.size()) {
    for (int call = 0; call < static_cast<int>(number_.size()); ++call) {
      if (number_[call] < 0) visit(call);
    }
  }
  std::vector<CallGroup> groups;

 private:
  void visit(int call) {
    number_[call] = lowest_[call] = next_++;
    stack_.push_back(call);
    open_[call] = true;
    for (const Term& term : D_.rows[call]) {
      if (number_[term.column] < 0) visit(term.column);
      if (open_[term.column]) lowest_[call] = std::min(lowest_[call], lowest_[term.column]);
    }
    if (lowest_[call] == number_[call]) close(call);
  }

  void close(int call) {
    CallGroup group;
    const auto first = std::find(stack_.begin(), stack_.end(), call);
    group.calls.assign(first, stack_.end());
    stack_.erase(first, stack_.end());
    std::sort(group.calls.begin(), group.calls.end());
    for (const int closed : group.calls) open_[closed] = false;
    const Row& row = D_.rows[call];
    group.implicit = group.calls.size() > 1 ||
                     std::any_of(row.begin(), row.end(), [&](const Term& term) { return term.column == call; });
    groups.push_back(std::move(group));
  }

  const Matrix& D_;
  std::vector<int> number_, lowest_, stack_;
  std::vector<bool> open_;
  int next_ = 0;
};

}  // namespace

std::vector<CallGroup> call_groups(const Tableau& tableau) { return Components(tableau.D).groups; }

}  // namespace optdnn::algorithms
