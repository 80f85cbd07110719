#include "child_processes.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "signals.h"

extern char** environ;

namespace optdnn::app {

namespace {

std::vector<std::string> own_words() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::string> words = base::split(all, '\0');
  if (!words.empty() && words.back().empty()) words.pop_back();
  return words;
}

// This environment with the variables in it.
std::vector<std::string> environment_with(const ChildProcesses::Variables& variables) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    if (!variables.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : variables) all.push_back(base::concat(name, "=", value));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

ChildProcesses::ChildProcesses(const std::vector<Variables>& variables, bool read_errors) {
  std::vector<std::string> words = own_words();
  const auto arguments = pointers(words);
  const pid_t self = ::getpid();
  for (const Variables& own : variables) {
    std::vector<std::string> texts = environment_with(own);
    const auto environment = pointers(texts);
    int ends[2] = {-1, -1};
    const bool piped = !read_errors || ::pipe2(ends, O_CLOEXEC) == 0;
    const pid_t child = piped ? ::fork() : -1;
    if (child < 0) {
      const std::string why = std::strerror(errno);
      kill_all(SIGKILL);
      throw base::EnvironmentError("cannot start another process: " + why);
    }
    if (child == 0) {  // nothing here but calls of the system: other threads may have held locks
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() != self) ::_exit(128 + SIGTERM);
      ::setpgid(0, 0);
      if (read_errors) ::dup2(ends[1], STDERR_FILENO);
      ::execve("/proc/self/exe", arguments.data(), environment.data());
      ::_exit(static_cast<int>(base::ExitCode::environment));
    }
    if (read_errors) ::close(ends[1]);
    children_.push_back({child, ends[0], {}});
  }
}

ChildProcesses::~ChildProcesses() {
  kill_all(SIGKILL);
  for (const Child& child : children_) {
    if (child.pid > 0) ::waitpid(child.pid, nullptr, 0);
    if (child.errors >= 0) ::close(child.errors);
  }
}

size_t ChildProcesses::running() const {
  return std::count_if(children_.begin(), children_.end(), [](const Child& child) { return child.pid > 0; });
}

void ChildProcesses::kill_all(int signal) const {
  for (const Child& child : children_) {
    if (child.pid > 0) ::kill(child.pid, signal);
  }
}

void ChildProcesses::read_lines(size_t number, const Line& line) {
  Child& child = children_[number];
  char buffer[4096];
  const ssize_t count = ::read(child.errors, buffer, sizeof buffer);
  if (count < 0 && errno == EINTR) return;
  child.text.append(buffer, std::max<ssize_t>(count, 0));
  for (size_t end = 0; (end = child.text.find('\n')) != std::string::npos; child.text.erase(0, end + 1)) {
    if (line) line(number, child.text.substr(0, end));
  }
  if (count > 0) return;
  if (line && !child.text.empty()) line(number, child.text);
  ::close(child.errors);
  child.errors = -1;
}

std::vector<ChildProcesses::Ended> ChildProcesses::wait(int milliseconds, const Line& line) {
  constexpr int kLook_ms = 20;  // the end of a child wakes no poll
  std::vector<Ended> ended;
  for (int waited = 0; ended.empty(); waited += kLook_ms) {
    if (stop_requested() && !passed_on_) {
      kill_all(stop_status() - 128);
      passed_on_ = true;
    }
    std::vector<pollfd> pipes;
    std::vector<size_t> numbers;
    for (size_t i = 0; i < children_.size(); ++i) {
      if (children_[i].errors < 0) continue;
      pipes.push_back({children_[i].errors, POLLIN, 0});
      numbers.push_back(i);
    }
    if (::poll(pipes.data(), pipes.size(), kLook_ms) > 0) {
      for (size_t i = 0; i < pipes.size(); ++i) {
        if (pipes[i].revents != 0) read_lines(numbers[i], line);
      }
    }
    for (size_t i = 0; i < children_.size(); ++i) {
      int status = 0;
      if (children_[i].pid <= 0 || ::waitpid(children_[i].pid, &status, WNOHANG) <= 0) continue;
      children_[i].pid = -1;
      while (children_[i].errors >= 0) read_lines(i, line);
      const bool killed = WIFSIGNALED(status);
      ended.push_back({i, killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status), killed});
    }
    if (waited >= milliseconds) break;
  }
  return ended;
}

}  // namespace optdnn::app
