// A command of the program: its options on one side, what it does on the other. One file per command.
#pragma once

#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace optdnn::app {

// Adds a command's options to `app` and its callback, which stores the exit code in `status`.
using AddCommand = void (*)(CLI::App& app, int& status);

struct Command {
  std::string_view name, help;
  AddCommand add;
};

// Every command, in the order of --help.
const std::vector<Command>& commands();

void add_train(CLI::App& app, int& status);
void add_eval(CLI::App& app, int& status);
void add_predict(CLI::App& app, int& status);
void add_runs(CLI::App& app, int& status);
void add_check(CLI::App& app, int& status);
void add_init(CLI::App& app, int& status);
void add_completion(CLI::App& app, int& status);
void add_show(CLI::App& app, int& status);
void add_list(CLI::App& app, int& status);
void add_certify(CLI::App& app, int& status);
void add_converge(CLI::App& app, int& status);
void add_info(CLI::App& app, int& status);
void add_bench(CLI::App& app, int& status);
void add_fetch(CLI::App& app, int& status);
void add_export(CLI::App& app, int& status);
void add_report(CLI::App& app, int& status);
void add_demo(CLI::App& app, int& status);

}  // namespace optdnn::app
