// What runs programs. An executor is one pair of files and one row of the table in executors.cpp: it says whether it
// takes a program, with a reason if not, whether it takes these inputs, and runs it. All give the same numbers up to
// rounding; `operators` takes everything and is the slow twin of the others.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <string_view>

#include "optdnn/base/names.h"
#include "optdnn/execution/program.h"
#include "optdnn/modules/module.h"
#include "optdnn/solvers/fixed_point.h"

namespace optdnn::execution {

using torch::autograd::variable_list;

// What a program's names stand for in one stage.
struct Bindings {
  std::vector<std::shared_ptr<modules::Module>> modules;  // by Program::modules
  solvers::FixedPoint solver{nullptr};                    // where the program solves
  bool recompute = false;                                 // modules run again in the backward pass (recompute.h)
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Empty where it takes such inputs in LibTorch's present modes (gradients, autocast), else why not.
  virtual std::string declines(const variable_list& inputs) const = 0;
  // The program's outputs; `learned` are its weights that hold coefficients, each a scalar (or one per run).
  // Requires that it does not decline.
  virtual variable_list run(variable_list inputs, const variable_list& learned) const = 0;
};

// Nothing where it does not take the program; then `why` says so.
using MakeExecutor = std::unique_ptr<Executor> (*)(std::shared_ptr<const Program> program, const Bindings& bindings,
                                                   std::string& why);

// The fastest first.
const base::NameTable<MakeExecutor>& executors();

// Errors: ConfigError for a name that is not among them.
void check_executor(std::string_view name);

// The rows of that table.
std::unique_ptr<Executor> make_whole(std::shared_ptr<const Program>, const Bindings&, std::string& why);
std::unique_ptr<Executor> make_fused(std::shared_ptr<const Program>, const Bindings&, std::string& why);
std::unique_ptr<Executor> make_operators(std::shared_ptr<const Program>, const Bindings&, std::string& why);

}  // namespace optdnn::execution
