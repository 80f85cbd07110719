// The errors a user can meet, each with the exit code it ends the program with.
// Anything else that is thrown is a bug of ours (exit 1).
#pragma once

#include <stdexcept>
#include <string>

namespace optdnn::base {

enum class ExitCode { success = 0, bug = 1, config = 2, environment = 3, diverged = 4 };

// An error with a documented exit code. `hint` says what to do about it and may be empty.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message, std::string hint = "")
      : std::runtime_error(message), code_(code), hint_(std::move(hint)) {}
  ExitCode code() const { return code_; }
  const std::string& hint() const { return hint_; }

 private:
  ExitCode code_;
  std::string hint_;
};

// The config, a rule or the command line is wrong.
struct ConfigError : Error {
  explicit ConfigError(const std::string& message, std::string hint = "")
      : Error(ExitCode::config, message, std::move(hint)) {}
};

// Data, device, disk or network is not as needed.
struct EnvironmentError : Error {
  explicit EnvironmentError(const std::string& message, std::string hint = "")
      : Error(ExitCode::environment, message, std::move(hint)) {}
};

// A run produced a non-finite loss.
struct DivergedError : Error {
  explicit DivergedError(const std::string& message, std::string hint = "")
      : Error(ExitCode::diverged, message, std::move(hint)) {}
};

}  // namespace optdnn::base
