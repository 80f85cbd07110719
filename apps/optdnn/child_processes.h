// Copies of this program, started with its own words and variables of their own: the workers of --jobs, the ranks of
// --processes. Each is a process group of its own, so that ^C reaches the parent alone, which passes it on once. They
// do not outlive the parent: when it dies they are told to stop.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace optdnn::app {

class ChildProcesses {
 public:
  using Variables = std::map<std::string, std::string>;
  // Each gets its variables. With `read_errors` what they write to standard error comes to wait(). Errors:
  // EnvironmentError if the system has no room for them; those that were started are ended.
  ChildProcesses(const std::vector<Variables>& variables, bool read_errors);
  ~ChildProcesses();  // ends those that run
  ChildProcesses(const ChildProcesses&) = delete;

  // Waits until something happens, at most so long. Returns those that ended since, with what a shell would call their
  // exit code: 128 + signal where one killed it. Passes on a signal that asks this program to stop.
  struct Ended {
    size_t child;
    int status;
    bool killed;  // by a signal
  };
  using Line = std::function<void(size_t child, const std::string& line)>;
  std::vector<Ended> wait(int milliseconds, const Line& line = {});

  size_t running() const;
  void kill_all(int signal) const;

 private:
  struct Child {
    int pid = -1;  // -1: it has ended
    int errors = -1;
    std::string text;  // of a line that is not whole
  };
  void read_lines(size_t child, const Line& line);

  std::vector<Child> children_;
  bool passed_on_ = false;
};

}  // namespace optdnn::app
