// The executor `operators`: a program operation by operation, by LibTorch's operators.
#include "optdnn/execution/linear_combination.h"
#include "optdnn/execution/module_call.h"
#include "optdnn/execution/passes.h"

namespace optdnn::execution {

namespace {

class Operators : public Executor {
 public:
  Operators(std::shared_ptr<const Program> program, const Bindings& bindings)
      : program_(std::move(program)), bindings_(bindings), last_reads_(last_reads(*program_)) {}

  std::string declines(const variable_list&) const override { return ""; }

  variable_list run(variable_list inputs, const variable_list& learned) const override {
    variable_list values = std::move(inputs);
    values.resize(program_->values);
    Solutions solutions;
    for (size_t i = 0; i < last_reads_.size(); ++i) {
      const auto& [what, value] = program_->operations[i];
      if (const auto* combined = std::get_if<Combine>(&what)) {
        values[value] = combine(combined->terms, values, learned);
      } else if (const auto* call = std::get_if<Call>(&what)) {
        values[value] = call_module(*program_, bindings_, call->module, values[call->argument]);
      } else {
        const auto& solve = std::get<Solve>(what);
        const auto found = solve_group(*program_, bindings_, solve, values, learned, solutions.of(solve));
        std::copy(found.begin(), found.end(), values.begin() + value);
      }
      for (const int read : last_reads_[i]) values[read] = torch::Tensor();
    }
    return pick(values, program_->outputs);
  }

 private:
  std::shared_ptr<const Program> program_;
  Bindings bindings_;
  std::vector<std::vector<int>> last_reads_;
};

}  // namespace

std::unique_ptr<Executor> make_operators(std::shared_ptr<const Program> program, const Bindings& bindings,
                                         std::string&) {
  return std::make_unique<Operators>(std::move(program), bindings);
}

}  // namespace optdnn::execution
