#include "optdnn/experiment/claim_holder.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "optdnn/base/json_text.h"

namespace optdnn::experiment {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

constexpr const char* kEnded = "ended";

// The 22nd field of /proc/<pid>/stat; the second, a name in parentheses, may hold spaces. Empty if that cannot be read,
// which does not say that there is no such process: /proc may hide the processes of others, or no file can be opened.
std::string start_of(int64_t pid) {
  const std::string line = first_line("/proc/" + std::to_string(pid) + "/stat");
  const size_t end = line.rfind(')');
  if (end == std::string::npos) return "";
  std::istringstream fields(line.substr(end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) {
    fields >> field;
    if (i == 3 && (field == "Z" || field == "X")) return kEnded;  // and nobody has asked how
  }
  return field;
}

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof(name) - 1);
  return name;
}

std::string text_of(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}

}  // namespace

std::string Holder::line() const {
  const nlohmann::ordered_json json = {{"host", host},
                                       {"pid", pid},
                                       {"boot", boot},
                                       {"pid_namespace", pid_namespace},
                                       {"started", started},
                                       {"slurm_job", slurm_job},
                                       {"slurm_restarts", slurm_restarts}};
  return base::json_line(json) + "\n";
}

Holder this_process() {
  Holder self;
  std::error_code ignored;
  self.host = host_name();
  self.pid = ::getpid();
  self.boot = first_line("/proc/sys/kernel/random/boot_id");
  self.pid_namespace = std::filesystem::read_symlink("/proc/self/ns/pid", ignored).string();
  self.started = start_of(self.pid);
  self.slurm_job = text_of("SLURM_JOB_ID");
  self.slurm_restarts = std::strtoll(text_of("SLURM_RESTART_COUNT").c_str(), nullptr, 10);
  return self;
}

std::optional<Holder> read_holder(std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto number = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer() ? found->get<int64_t>() : int64_t{0};
  };
  if (text("host").empty() || number("pid") <= 0) return std::nullopt;
  return Holder{text("host"),    text("boot"),      text("pid_namespace"),   number("pid"),
                text("started"), text("slurm_job"), number("slurm_restarts")};
}

bool is_gone(const Holder& holder, const Holder& self) {
  if (!holder.slurm_job.empty() && holder.slurm_job == self.slurm_job && holder.slurm_restarts < self.slurm_restarts)
    return true;
  if (holder.host != self.host || holder.boot.empty()) return false;
  if (holder.boot != self.boot) return holder.pid_namespace == self.pid_namespace;  // the machine was started anew
  if (holder.pid_namespace != self.pid_namespace || holder.pid <= 0) return false;
  if (::kill(static_cast<pid_t>(holder.pid), 0) != 0 && errno == ESRCH) return true;
  const std::string started = start_of(holder.pid);
  return !started.empty() && started != holder.started && !holder.started.empty();
}

}  // namespace optdnn::experiment
