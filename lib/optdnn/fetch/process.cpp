#include "optdnn/fetch/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"

extern char** environ;

namespace optdnn::fetch {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

TemporaryFolder::TemporaryFolder(const fs::path& path) : path_(fs::absolute(path)) {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  base::make_folders(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

namespace {

struct SpawnActions {
  posix_spawn_file_actions_t actions;
  SpawnActions() { posix_spawn_file_actions_init(&actions); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions); }
};

}  // namespace

void run_program(const std::vector<std::string>& command, const fs::path& folder, const std::string& install) {
  const fs::path log = folder / "log.txt";
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  SpawnActions spawn;
  posix_spawn_file_actions_addchdir_np(&spawn.actions, folder.c_str());
  posix_spawn_file_actions_addopen(&spawn.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&spawn.actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&spawn.actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, arguments[0], &spawn.actions, nullptr, arguments.data(), environ);
  if (error == ENOENT) throw EnvironmentError(concat("the program ", command[0], " is not installed"), install);
  if (error != 0) throw EnvironmentError(concat("cannot start ", command[0], ": ", std::strerror(error)));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw EnvironmentError(concat("cannot wait for ", command[0], ": ", std::strerror(errno)));
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const std::string printed = base::trim(base::read_file(log, 1 << 20));
    const size_t tail = 600;
    throw EnvironmentError(concat("`", base::join(command, " "), "` failed: ",
                                  printed.size() > tail ? "... " + printed.substr(printed.size() - tail) : printed));
  }
}

}  // namespace optdnn::fetch
