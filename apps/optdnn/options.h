// Options several commands share. Flags say where and which; the YAML says what.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace optdnn::app {

struct Where {
  std::string data = "data";  // or $OPTDNN_DATA
  std::string out = "runs";
  std::string device = "auto";
  int threads = 0;  // of an operation; 0: chosen by the task
  std::optional<int> loader_threads;
  std::string executor;  // empty: the fastest that takes a stage
  bool no_graph = false;
  bool no_kernels = false;
  bool overlap = false;
  std::vector<std::string> without_kernels;
};

struct Which {
  std::vector<std::string> configs;
  std::vector<std::string> rows;  // ids; empty: all
  std::vector<uint64_t> seeds;    // empty: the config's
  std::vector<std::string> sets;  // overrides "a.b=value"
  bool searches = true;           // false: rows have the values they are written with
};

// Lets the option take whole numbers from `low` to `high` alone.
CLI::Option* take_whole_numbers(CLI::Option* option, uint64_t low, uint64_t high);

void add_data_option(CLI::App& app, Where& where);
// Of a run that is there: empty means where its data lay.
void add_data_of_run_option(CLI::App& app, Where& where);
void add_device_options(CLI::App& app, Where& where);
void add_executor_option(CLI::App& app, Where& where);
void add_row_option(CLI::App& app, Which& which);
void add_which_options(CLI::App& app, Which& which, bool several_configs, bool with_seeds);

}  // namespace optdnn::app
