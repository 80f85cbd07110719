// The run's log: spdlog behind four functions, so that no other file includes it (LibTorch ships another fmt).
// Lines go to standard error and, once a file is set, to that file too.
#pragma once

#include <filesystem>
#include <string>

namespace optdnn::base {

enum class LogLevel { debug, info, warning, error, off };

void set_log_level(LogLevel level);                     // of standard error
void open_log_file(const std::filesystem::path& path);  // appends; replaces the file that was open
void close_log_file();
void log_info(const std::string& message);
void log_warning(const std::string& message);
void log_error(const std::string& message);

}  // namespace optdnn::base
