#include "failure.h"

#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>
#include <system_error>

#include "optdnn/base/files.h"
#include "optdnn/base/text.h"

namespace optdnn::app {

using base::ExitCode;

Failure current_failure() {
  const auto out_of_memory = [](const std::string& what) {
    return Failure{
        ExitCode::environment,
        base::concat("not enough memory: ", what.substr(0, what.find('\n')),
                     "\n   hint: a smaller width, depth or batch_size; `optdnn check` estimates the memory")};
  };
  const auto environment = [](const std::string& what, const std::error_code& code) {
    const std::string hint = base::hint_for(code);
    return Failure{ExitCode::environment, base::concat(what, code.message(), hint.empty() ? "" : "\n   hint: ", hint)};
  };
  try {
    throw;
  } catch (const base::Error& error) {
    return {error.code(),
            error.hint().empty() ? error.what() : base::concat(error.what(), "\n   hint: ", error.hint())};
  } catch (const std::filesystem::filesystem_error& error) {
    return environment(base::concat(error.path1().string(), ": "), error.code());
  } catch (const std::system_error& error) {  // a thread that cannot be had, for instance
    return environment("the system refuses: ", error.code());
  } catch (const std::bad_alloc& error) {
    return out_of_memory(error.what());
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    if (what.find("allocate memory") != std::string::npos || what.find("out of memory") != std::string::npos) {
      return out_of_memory(what);
    }
    return {ExitCode::bug, "internal error: " + what};
  } catch (const std::exception& error) {
    return {ExitCode::bug, base::concat("internal error: ", error.what())};
  }
}

Failure failure_of(const std::exception_ptr& error) try { std::rethrow_exception(error); } catch (...) {
  return current_failure();
}

ExitCode worse(ExitCode a, ExitCode b) {
  for (const ExitCode code : {ExitCode::bug, ExitCode::config, ExitCode::environment, ExitCode::diverged}) {
    if (a == code || b == code) return code;
  }
  return ExitCode::success;
}

void print_errors(const nlohmann::ordered_json& rows) {
  for (const auto& row : rows) {
    if (row.contains("error"))
      std::cerr << row["id"].get<std::string>() << ": error: " << row["error"].get<std::string>() << '\n';
  }
}

}  // namespace optdnn::app
