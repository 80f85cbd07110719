#include "options.h"

#include <CLI/CLI.hpp>
#include <charconv>

namespace optdnn::app {

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
  app.add_option("--threads", where.threads,
                 "threads of an operation; 0: all cores for images, one for vectors, whose runs share all cores")
      ->check(CLI::Range(0, 1024))
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
  app.add_option("--loader-threads", where.loader_threads,
                 "threads that make batches ahead, else one, or all cores, 32 at most, for photographs on a GPU; "
                 "results do not depend on it")
      ->check(CLI::Range(0, 256));
}

void add_executor_option(CLI::App& app, Where& where) {
  app.add_option("--executor", where.executor,
                 "run every stage by this one: whole, fused or operators; else by the fastest that takes it");
}

void add_which_options(CLI::App& app, Which& which, bool several_configs, bool with_seeds) {
  auto* config = app.add_option("CONFIG", which.configs, "YAML file: one experiment, or a table of rows")->required();
  if (!several_configs) config->expected(1);
  app.add_option("--row", which.rows, "only this row: its id, that of a sweep, or a pattern as in 'apg2*'")
      ->allow_extra_args(false);
  if (with_seeds)
    app.add_option("--seed", which.seeds, "only these seeds, instead of the config's: 3, or 0,1,2")
        ->delimiter(',')
        ->check([](const std::string& text) {
          int64_t seed = -1;
          const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
          const bool whole = error == std::errc() && end == text.data() + text.size() && std::to_string(seed) == text;
          return whole && seed >= 0 ? "" : "a seed is a whole number from 0 to 2^63 - 1, not '" + text + "'";
        })
        ->allow_extra_args(false);
  app.add_option("--set", which.sets,
                 "override one value, as in optimizer.learning_rate=0.05; a search leaves it alone")
      ->allow_extra_args(false);
}

}  // namespace optdnn::app
