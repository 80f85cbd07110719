#include "optdnn/execution/execution.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::execution {

using base::concat;

Execution::Execution(Program program, Bindings bindings)
    : program_(std::make_shared<const Program>(std::move(program))) {
  for (const auto& known : executors().entries()) {
    Entry& entry = entries_.emplace_back();
    entry.name = known.name;
    entry.executor = known.value(program_, bindings, entry.why);
  }
}

variable_list Execution::run(variable_list inputs, const ValueOf& value_of) {
  variable_list learned;
  learned.reserve(program_->learned.size());
  for (const algorithms::Scalar& weight : program_->learned) {
    learned.push_back(weight.evaluate<torch::Tensor>(value_of));
  }
  const Entry& chosen = choose(inputs);
  if (&chosen != noted_ && torch::GradMode::is_enabled()) note(chosen, inputs);
  return chosen.executor->run(std::move(inputs), learned);
}

const Execution::Entry& Execution::choose(const variable_list& inputs) {
  if (forced_) {
    const std::string why = forced_->executor->declines(inputs);
    if (why.empty()) return *forced_;
    if (torch::GradMode::is_enabled())
      throw base::ConfigError(concat("executor '", forced_->name, "' declines: ", why),
                              "operators takes every program");
  }
  for (const Entry& entry : entries_) {
    if (entry.executor && entry.executor->declines(inputs).empty()) return entry;
  }
  TORCH_INTERNAL_ASSERT(false, "no executor takes the program");
}

void Execution::note(const Entry& chosen, const variable_list& inputs) {
  noted_ = &chosen;
  choice_ = Choice{std::string(chosen.name), {}};
  for (const Entry& entry : entries_) {
    if (&entry == &chosen) return;
    std::string why = entry.executor ? entry.executor->declines(inputs) : entry.why;
    if (why.empty()) why = "another one is forced";
    choice_->declined.emplace_back(entry.name, std::move(why));
  }
}

void Execution::force(std::string_view name) {
  check_executor(name);
  for (const Entry& entry : entries_) {
    if (entry.name != name) continue;
    if (!entry.executor)
      throw base::ConfigError(concat("executor '", name, "' declines: ", entry.why), "operators takes every program");
    forced_ = &entry;
  }
}

}  // namespace optdnn::execution
