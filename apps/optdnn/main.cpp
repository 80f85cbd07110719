// optdnn: reads the command line and hands over to one command.
//
// Exit codes: 0 all done; 1 a bug of ours; 2 the config or the command line is wrong; 3 the environment is wrong (data,
// device, disk); 4 a run diverged; 5 --require is not met or a study disagrees; 130 and 143 stopped by a signal after
// saving.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <limits>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "command.h"
#include "failure.h"
#include "optdnn/base/diagnostics.h"
#include "optdnn/base/names.h"
#include "signals.h"
#include "version.h"

namespace {

using optdnn::base::ExitCode;

// An iteration, or a batch of an evaluation, wants the memory that the last one freed: it stays with the process
// instead of being returned and cleared anew. Without M_MMAP_MAX glibc would return pieces of more than 32 MiB all the
// same.
void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

// The workspace with which cuBLAS gives the same bits again (train.deterministic); it is read when CUDA starts.
void keep_cublas_deterministic() { setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0); }

int report(const optdnn::app::Failure& failure) {
  std::cerr << "error: " << failure.message << '\n';
  if (failure.code == ExitCode::bug) std::cerr << "This is a bug of optdnn, not of your config.\n";
  return static_cast<int>(failure.code);
}

int unknown_command(const std::string& word) {
  std::vector<std::string> names;
  for (const auto& command : optdnn::app::commands()) names.emplace_back(command.name);
  return report({ExitCode::config, optdnn::base::concat("there is no command '", word, "'\n   hint: ",
                                                        optdnn::base::suggestion(word, names, "commands"))});
}

// Of the program's line or a command's. A misspelt option is told what was meant.
int wrong_usage(const CLI::App& command, const CLI::ParseError& error, const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  const auto begins = [](const std::string& word) { return word.starts_with("--"); };
  const auto unknown = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
    return begins(word) && std::find(names.begin(), names.end(), word.substr(0, word.find('='))) == names.end();
  });
  const std::string line = command.get_parent() ? "optdnn " + command.get_name() : command.get_name();
  const bool is_unknown = dynamic_cast<const CLI::ExtrasError*>(&error) || !command.get_parent();
  if (is_unknown && unknown != words.end()) {
    const std::string name = unknown->substr(0, unknown->find('='));
    return report({ExitCode::config, optdnn::base::concat(command.get_name(), " has no option '", name, "'\n   hint: ",
                                                          optdnn::base::suggestion(name, names, "options"))});
  }
  return report(
      {ExitCode::config, optdnn::base::concat(error.what(), "\n   hint: ", line, " --help lists its options")});
}

int run(int argc, char** argv) {
  CLI::App app("Design, certify, train and compare networks that are runs of first-order optimization algorithms.",
               "optdnn");
  app.require_subcommand(1);
  app.set_version_flag("--version", optdnn::app::version_text());
  app.footer("optdnn COMMAND --help tells a command's options.");
  app.get_formatter()->column_width(34);

  int status = 0;
  for (const auto& command : optdnn::app::commands()) {
    command.add(*app.add_subcommand(std::string(command.name), std::string(command.help)), status);
  }
  if (argc < 2) return report({ExitCode::config, "a command is required\n   hint: optdnn --help lists them"});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const auto is_first = [&](const auto& command) { return command.name == argv[1]; };
    const auto& known = optdnn::app::commands();
    if (argc > 1 && argv[1][0] != '-' && std::none_of(known.begin(), known.end(), is_first)) {
      return unknown_command(argv[1]);
    }
    if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);
    const auto used = app.get_subcommands();
    if (used.empty()) return wrong_usage(app, error, {argv + 1, argv + argc});
    return wrong_usage(*used.front(), error, {argv + 2, argv + argc});
  }
  return status;
}

// Where what was asked for could not be printed, that is an error too. A reader who has gone wants no more.
int ended(int status) {
  if (std::cout.flush() || optdnn::app::stop_requested()) return status;
  const int code = report({ExitCode::environment, "the output cannot be written\n   hint: is the disk full?"});
  return status == 0 ? code : status;
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  keep_cublas_deterministic();
  try {
    return ended(run(argc, argv));
  } catch (const optdnn::base::DiagnosedError& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  } catch (...) {
    return report(optdnn::app::current_failure());
  }
}
