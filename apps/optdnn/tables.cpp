#include "tables.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <set>

#include "optdnn/base/device.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/log.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"
#include "optdnn/execution/executor.h"
#include "optdnn/experiment/compare.h"
#include "optdnn/experiment/fit.h"
#include "optdnn/experiment/run.h"
#include "optdnn/experiment/table.h"
#include "optdnn/kernels/kernel_store.h"
#include "optdnn/kernels/launcher.h"
#include "signals.h"
#include "version.h"

namespace optdnn::app {

namespace {

void check_rows(const std::vector<experiment::Table>& tables, base::Diagnostics& diagnostics) {
  for (const experiment::Table& table : tables) {
    for (const experiment::Row& row : table.rows) experiment::check_fit(row, diagnostics);
  }
}

}  // namespace

double unix_time_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::vector<experiment::Table> read_tables(const Which& which, Purpose purpose, const std::string& data_root) {
  std::vector<experiment::Table> tables;
  base::Diagnostics diagnostics;
  for (const std::string& config : which.configs) {
    if (config.find('=') == std::string::npos || std::filesystem::exists(config)) continue;
    throw base::ConfigError("'" + config + "' is no file", "--set " + config + " overrides a value");
  }
  for (const std::string& config : which.configs)
    tables.push_back(experiment::read_table(config, which.sets, diagnostics, data_root, which.rows, which.searches));
  diagnostics.throw_if_errors();
  const auto whole = tables;
  for (experiment::Table& table : tables) {
    experiment::select_rows(table, which.rows);
    experiment::match_rows(table, diagnostics);
    if (which.seeds.empty()) continue;
    for (experiment::Row& row : table.rows) {
      row.spec.seeds = which.seeds;
      if (experiment::reports_a_trial_seed(row.spec)) {
        throw base::ConfigError(base::concat("--seed: seeds from ", base::with_thousands(experiment::kFirstTrialSeed),
                                             " on are those of trials, and row '", row.id, "' has a search"));
      }
    }
  }
  if (std::set<uint64_t>(which.seeds.begin(), which.seeds.end()).size() != which.seeds.size()) {
    throw base::ConfigError("a --seed stands twice");
  }
  if (purpose == Purpose::run) check_rows(tables, diagnostics);
  diagnostics.throw_if_errors();
  for (size_t i = 0; i < tables.size() && purpose == Purpose::run; ++i) {
    experiment::check_compared_costs(tables[i], whole[i], diagnostics);
  }
  diagnostics.throw_if_errors();
  if (!diagnostics.all().empty()) std::cerr << diagnostics.render();
  return tables;
}

namespace {

// Of standard output; 0 where that is no terminal.
int terminal_columns() {
  if (::isatty(STDOUT_FILENO) != 1) return 0;
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// Of all threads of the program.
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void overlap_kernels(bool overlap, const std::string& device) {
  kernels::overlap_kernels(overlap);
  const std::string why = overlap ? kernels::why_no_overlap(torch::Device(device)) : "";
  if (!why.empty()) base::log_warning(base::concat("--overlap changes nothing on ", device, ": ", why));
}

}  // namespace

void check_choices(const Where& where) {
  if (!where.executor.empty()) execution::check_executor(where.executor);
  const std::vector<std::string> known = kernels::kernel_files();
  for (const std::string& name : where.without_kernels) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw base::ConfigError(base::concat("unknown kernels '", name, "'"), base::suggestion(name, known, "kernels"));
  }
}

experiment::RunOptions run_options(const Where& where) {
  check_choices(where);
  experiment::RunOptions options;
  options.out = where.out;
  options.data = where.data;
  options.device = base::resolve_device(where.device);
  if (where.device == "auto" && base::has_unusable_gpu()) {
    base::log_warning(base::concat("this machine has a GPU that LibTorch ", base::torch_version(),
                                   " cannot use; running on the CPU"));
  }
  options.executor = where.executor;
  options.no_graph = where.no_graph;
  kernels::keep_kernels_in(kernels::users_kernel_folder(std::getenv));  // before there is any launcher
  kernels::use_launchers(!where.no_kernels);
  kernels::leave_out_kernels(where.without_kernels);
  overlap_kernels(where.overlap, options.device);
  options.threads = where.threads;
  options.loader_threads = where.loader_threads;
  options.terminal_columns = terminal_columns();
  options.stop_requested = stop_requested;
  options.seconds = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  options.unix_time_s = unix_time_s();
  options.begin_s = options.seconds();
  options.cpu_seconds = cpu_seconds;
  options.program_version = version_text();
  options.commit = commit_text();
  return options;
}

}  // namespace optdnn::app
