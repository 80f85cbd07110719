#include "optdnn/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "optdnn/base/errors.h"

namespace optdnn::base {

namespace {

struct Log {
  std::shared_ptr<spdlog::sinks::stderr_color_sink_mt> terminal =
      std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  std::shared_ptr<spdlog::logger> logger = std::make_shared<spdlog::logger>("optdnn", terminal);
  Log() { terminal->set_pattern("%^%l:%$ %v"); }
};

Log& log() {
  static Log instance;
  return instance;
}

}  // namespace

void set_log_level(LogLevel level) {
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err, spdlog::level::off};
  log().terminal->set_level(kLevels[static_cast<int>(level)]);
}

void open_log_file(const std::filesystem::path& path) {
  close_log_file();
  try {
    auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    file->set_pattern("%Y-%m-%dT%H:%M:%S%z %l %v");
    log().logger->sinks().push_back(file);
    log().logger->flush_on(spdlog::level::info);
  } catch (const spdlog::spdlog_ex& error) {
    throw EnvironmentError(error.what());
  }
}

void close_log_file() { log().logger->sinks().resize(1); }
void log_info(const std::string& message) { log().logger->info("{}", message); }
void log_warning(const std::string& message) { log().logger->warn("{}", message); }
void log_error(const std::string& message) { log().logger->error("{}", message); }

}  // namespace optdnn::base
