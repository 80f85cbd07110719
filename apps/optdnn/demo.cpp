// optdnn demo: configs/demo.yaml trained and reported, the look of a minute.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "command.h"
#include "python.h"

namespace optdnn::app {

void add_demo(CLI::App& app, int& status) {
  const auto out = std::make_shared<std::string>("runs");
  app.add_option("--out", *out, "folder of the runs")->capture_default_str();
  app.callback([out, &status] {
    const std::string config = (scripts_folder().parent_path() / "configs/demo.yaml").string();
    status = run_itself({"train", config, "--out", *out});
    if (status == 0) status = run_script("report.py", {(std::filesystem::path(*out) / "demo").string()}, "matplotlib");
    if (status == 0)
      std::cout << "Next: look at report.html; train a rule of your own (README.md, \"A rule of your own\")\n";
  });
}

}  // namespace optdnn::app
