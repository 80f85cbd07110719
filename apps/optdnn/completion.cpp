// optdnn completion SHELL: a script that completes commands, options and the names they take.
//
//   source <(optdnn completion bash)      optdnn completion fish > ~/.config/fish/completions/optdnn.fish

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "command.h"
#include "optdnn/algorithms/catalogue.h"
#include "optdnn/base/text.h"

namespace optdnn::app {

using base::concat;

namespace {

// Commands, then for each its options: all that is completed besides files.
struct Words {
  std::vector<std::pair<std::string, std::string>> commands;  // name, help
  std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> options;
};

Words words_of(CLI::App& root) {
  Words words;
  for (const CLI::App* command : root.get_subcommands({})) {
    words.commands.emplace_back(command->get_name(), command->get_description());
    auto& options = words.options.emplace_back(command->get_name(), std::vector<std::pair<std::string, std::string>>{});
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        options.second.emplace_back("--" + name, option->get_description());
      }
    }
  }
  return words;
}

std::string names_of(const std::vector<std::pair<std::string, std::string>>& list) {
  std::vector<std::string> names;
  for (const auto& item : list) names.push_back(item.first);
  return base::join(names, " ");
}

std::string rules() {
  std::vector<std::string> names;
  for (const auto& rule : algorithms::catalogue()) names.push_back(rule.name);
  return base::join(names, " ");
}

// Files are completed by the shell where nothing of ours fits.
std::string bash(const Words& words) {
  std::string text =
      concat("_optdnn() {\n  local word=${COMP_WORDS[COMP_CWORD]} list=\n  if [[ $COMP_CWORD == 1 ]]; then list=\"",
             names_of(words.commands), "\"\n  else\n    case ${COMP_WORDS[1]} in\n");
  for (const auto& [command, options] : words.options) {
    const std::string more = command == "certify" ? " " + rules() : "";
    text += concat("      ", command, ") list=\"", names_of(options), more, "\" ;;\n");
  }
  return text +
         "    esac\n  fi\n  COMPREPLY=($(compgen -W \"$list\" -- \"$word\"))\n}\n"
         "complete -o default -F _optdnn optdnn\n";
}

std::string zsh(const Words& words) {
  return concat("#compdef optdnn\nautoload -U +X bashcompinit && bashcompinit\n", bash(words));
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? "\\'" : std::string(1, c);
  return result + "'";
}

std::string fish(const Words& words) {
  std::string text;
  for (const auto& [name, help] : words.commands) {
    text += concat("complete -c optdnn -n __fish_use_subcommand -a ", name, " -d ", quoted(help), "\n");
  }
  for (const auto& [command, options] : words.options) {
    const std::string seen = concat("complete -c optdnn -n '__fish_seen_subcommand_from ", command, "'");
    for (const auto& [name, help] : options) text += concat(seen, " -l ", name.substr(2), " -d ", quoted(help), "\n");
    if (command == "certify") text += concat(seen, " -a ", quoted(rules()), "\n");
  }
  return text;
}

}  // namespace

void add_completion(CLI::App& app, int& status) {
  const auto shell = std::make_shared<std::string>();
  app.add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  app.callback([shell, &app, &status] {
    const Words words = words_of(*app.get_parent());
    std::cout << (*shell == "bash" ? bash(words) : *shell == "zsh" ? zsh(words) : fish(words));
    status = 0;
  });
}

}  // namespace optdnn::app
