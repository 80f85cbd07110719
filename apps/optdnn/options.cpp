#include "options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>

#include "optdnn/base/text.h"
#include "optdnn/execution/executor.h"

namespace optdnn::app {

CLI::Option* take_whole_numbers(CLI::Option* option, uint64_t low, uint64_t high) {
  return option->type_name(base::concat("INT from ", low, " to ", high))->check([low, high](const std::string& text) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && std::to_string(number) == text;
    if (whole && number >= low && number <= high) return std::string();
    return base::concat("must be an integer from ", low, " to ", high, ", not '", text, "'");
  });
}

void add_data_option(CLI::App& app, Where& where) {
  app.add_option("--data", where.data, "folder of the data sets")->envname("OPTDNN_DATA")->capture_default_str();
}

void add_data_of_run_option(CLI::App& app, Where& where) {
  where.data.clear();
  app.add_option("--data", where.data, "folder of the data sets; default: where they lay when the run was trained")
      ->envname("OPTDNN_DATA");
}

void add_device_options(CLI::App& app, Where& where) {
  app.add_option("--device", where.device, "auto, cpu, cuda or cuda:<index>")->capture_default_str();
  take_whole_numbers(
      app.add_option("--threads", where.threads,
                     "threads of an operation; 0: all cores for images, one for vectors, whose runs share all cores"),
      0, 1024)
      ->capture_default_str();
  app.add_flag("--no-graph", where.no_graph,
               "run every iteration operator by operator, also where a GPU could replay a recorded one");
  app.add_flag("--no-kernels", where.no_kernels,
               "run LibTorch's operators, also where the project has kernels of its own for a GPU");
  app.add_option("--without-kernels", where.without_kernels,
                 "run LibTorch's operators in the place of these kernels alone, as in combine,convolve")
      ->delimiter(',');
  app.add_flag("--overlap", where.overlap,
               "let the project's kernels for a GPU begin while the one before ends; the same numbers");
  take_whole_numbers(
      app.add_option("--loader-threads", where.loader_threads,
                     "threads that make batches ahead, else one, or all cores, 32 at most, for photographs on a GPU; "
                     "results do not depend on it"),
      0, 256);
}

void add_executor_option(CLI::App& app, Where& where) {
  app.add_option("--executor", where.executor,
                 base::concat("run every stage by this one, of ", base::join(execution::executors().names(), ", "),
                              "; else by the fastest that takes it"));
}

void add_row_option(CLI::App& app, Which& which) {
  app.add_option("--row", which.rows, "only this row: its id, that of a sweep, or a pattern as in 'apg2*'")
      ->allow_extra_args(false);
}

void add_which_options(CLI::App& app, Which& which, bool several_configs, bool with_seeds) {
  auto* config = app.add_option("CONFIG", which.configs, "YAML file: one experiment, or a table of rows")->required();
  if (!several_configs) config->expected(1);
  add_row_option(app, which);
  if (with_seeds)
    take_whole_numbers(
        app.add_option("--seed", which.seeds, "only these seeds, instead of the config's: 3, or 0,1,2")->delimiter(','),
        0, std::numeric_limits<uint64_t>::max())
        ->type_name("INT")
        ->allow_extra_args(false);
  app.add_option("--set", which.sets,
                 "override one value, as in optimizer.learning_rate=0.05; a search leaves it alone")
      ->allow_extra_args(false);
}

}  // namespace optdnn::app
