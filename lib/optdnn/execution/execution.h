// A program with what runs it: every executor that takes the program, the fastest first, and which of them ran.
#pragma once

#include <functional>
#include <optional>

#include "optdnn/execution/executor.h"

namespace optdnn::execution {

// Which executor ran, and why the faster ones did not.
struct Choice {
  std::string name;
  std::vector<std::pair<std::string, std::string>> declined;  // name, reason
};

class Execution {
 public:
  Execution(Program program, Bindings bindings);

  // The outputs, by the forced executor, else by the fastest that takes these inputs; so too where a forced one
  // declines a pass without gradients. `value_of` is what a coefficient is at present. Errors: ConfigError if the
  // forced executor declines.
  using ValueOf = std::function<torch::Tensor(const algorithms::Leaf&)>;
  variable_list run(variable_list inputs, const ValueOf& value_of);

  // From now on this one. Errors: ConfigError if there is none of that name, or it does not take the program.
  void force(std::string_view name);

  // Of the latest pass with gradients; nothing before there was one.
  const std::optional<Choice>& choice() const { return choice_; }
  const Program& program() const { return *program_; }

 private:
  struct Entry {
    std::string_view name;
    std::unique_ptr<Executor> executor;  // none where it does not take the program
    std::string why;
  };
  const Entry& choose(const variable_list& inputs);
  void note(const Entry& chosen, const variable_list& inputs);

  std::shared_ptr<const Program> program_;
  std::vector<Entry> entries_;
  const Entry* forced_ = nullptr;
  const Entry* noted_ = nullptr;
  std::optional<Choice> choice_;
};

}  // namespace optdnn::execution
