// optdnn report RUNS...: tables and figures of any runs, by scripts/report.py.

#include <CLI/CLI.hpp>
#include <memory>

#include "command.h"
#include "python.h"

namespace optdnn::app {

void add_report(CLI::App& app, int& status) {
  struct Options {
    std::vector<std::string> runs;
    std::string out, title, columns, sort;
    bool csv = false, latex = false;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("RUNS", options->runs, "folders that hold runs at any depth, as runs/<config>")->required();
  app.add_option("--out", options->out, "folder of the report; default: report/ in the first of RUNS");
  app.add_option("--title", options->title, "default: the title of the table");
  app.add_option("--columns", options->columns, "those of the tables, as in \"rank, test error, parameters\"");
  app.add_option("--sort", options->sort, "by this column, the smallest first; -NAME: the largest first");
  app.add_flag("--csv", options->csv, "write results.csv too, a line per row");
  app.add_flag("--latex", options->latex, "write report.tex too, the tables");
  app.callback([options, &status] {
    std::vector<std::string> words = options->runs;
    const auto pass_on = [&](const std::string& name, const std::string& value) {
      if (!value.empty()) words.push_back(name + "=" + value);
    };
    pass_on("--out", options->out);
    pass_on("--title", options->title);
    pass_on("--columns", options->columns);
    pass_on("--sort", options->sort);
    if (options->csv) words.push_back("--csv");
    if (options->latex) words.push_back("--latex");
    status = run_script("report.py", words, "matplotlib");
  });
}

}  // namespace optdnn::app
