// What went wrong with one run or row, in a form that lets the others go on.
#pragma once

#include <exception>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "optdnn/base/errors.h"

namespace optdnn::app {

struct Failure {
  base::ExitCode code = base::ExitCode::success;
  std::string message;  // with its hint on a line of its own
};

// Of the exception that is being handled. Memory, files and threads that cannot be had are the environment's;
// what else is no error of ours is a bug.
Failure current_failure();
Failure failure_of(const std::exception_ptr& error);

// On standard error, of the rows {"id": ..., "error": message} among these.
void print_errors(const nlohmann::ordered_json& rows);

// Exit code where what was asked for does not hold: a certificate, or its agreement with a measurement.
inline constexpr int kNotMet = 5;

// When rows fail in different ways: a bug first, then the config, the environment, divergence.
base::ExitCode worse(base::ExitCode a, base::ExitCode b);

}  // namespace optdnn::app
