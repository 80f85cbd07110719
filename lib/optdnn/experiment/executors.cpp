#include "optdnn/experiment/executors.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::experiment {

using base::concat;

std::vector<StageExecutor> executors_of(const models::Network& network) {
  std::vector<StageExecutor> executors;
  if (!network.opt_net) return executors;
  int number = 0;
  for (const auto& stage : network.opt_net->stages()) {
    if (const auto& choice = stage->execution().choice()) executors.push_back({number, *choice});
    ++number;
  }
  return executors;
}

nlohmann::ordered_json executors_json(const std::vector<StageExecutor>& executors) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [stage, choice] : executors) {
    nlohmann::ordered_json declined = nlohmann::ordered_json::object();
    for (const auto& [name, why] : choice.declined) declined[name] = why;
    list.push_back({{"stage", stage}, {"name", choice.name}, {"declined", declined}});
  }
  return list;
}

std::string executors_text(const std::vector<StageExecutor>& executors) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < executors.size();) {
    const auto& [first, choice] = executors[i];
    while (i < executors.size() && executors[i].choice.name == choice.name &&
           executors[i].choice.declined == choice.declined) {
      ++i;
    }
    const int last = executors[i - 1].stage;
    std::string text = first == last ? concat("stage ", first) : concat("stages ", first, " to ", last);
    text += concat(" by ", choice.name);
    for (const auto& [name, why] : choice.declined) text += concat(", not by ", name, " (", why, ")");
    texts.push_back(std::move(text));
  }
  return base::join(texts, "; ");
}

void force_executor(const models::Network& network, const std::string& name) {
  if (name.empty()) return;
  if (!network.opt_net) {
    throw base::ConfigError(concat("executor '", name, "' is asked for, but a baseline runs no program"),
                            "--row names the rows of rules");
  }
  network.opt_net->force_executor(name);
}

}  // namespace optdnn::experiment
