#include "python.h"

#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <iostream>
#include <optional>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

extern char** environ;

namespace optdnn::app {

namespace fs = std::filesystem;

namespace {

// The exit code of the command, or nothing if there is no such program.
std::optional<int> run_command(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::cout.flush();
  pid_t child = 0;
  if (posix_spawnp(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return std::nullopt;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

fs::path scripts_folder() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path installed = program.parent_path().parent_path() / "share/optdnn/scripts";
  return !error && fs::exists(installed, error) ? installed : fs::path(OPTDNN_SCRIPTS);
}

int run_script(const std::string& name, const std::vector<std::string>& words, const std::string& package) {
  const fs::path scripts = scripts_folder();
  const std::string own = (scripts.parent_path() / ".venv/bin/python").string();
  const std::string has =
      base::concat("import importlib.util, sys; sys.exit(importlib.util.find_spec('", package, "') is None)");
  const bool use_own = fs::exists(own) && run_command({own, "-c", has}) == 0;
  std::vector<std::string> command = {use_own ? own : "python3", (scripts / name).string()};
  command.insert(command.end(), words.begin(), words.end());
  const auto code = run_command(command);
  if (!code) throw base::EnvironmentError("there is no python3", "apt-get install python3-venv");
  return *code;
}

int run_itself(const std::vector<std::string>& words) {
  std::vector<std::string> command = {fs::read_symlink("/proc/self/exe").string()};
  command.insert(command.end(), words.begin(), words.end());
  return run_command(command).value_or(static_cast<int>(base::ExitCode::environment));
}

}  // namespace optdnn::app
