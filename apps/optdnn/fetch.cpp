// optdnn fetch DATASET

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "command.h"
#include "optdnn/base/errors.h"
#include "optdnn/fetch/catalogue.h"
#include "options.h"

namespace optdnn::app {

void add_fetch(CLI::App& app, int& status) {
  struct Options {
    std::string name, from;
    Where where;
  };
  const auto options = std::make_shared<Options>();
  app.add_option("DATASET", options->name, "one of `optdnn list datasets`")->required();
  app.add_option("--from", options->from, "imagenette: the folder or archive that holds it");
  add_data_option(app, options->where);
  app.callback([options, &status] {
    const fetch::Fetch* found = fetch::datasets().find(options->name);
    if (!found)
      throw base::ConfigError("unknown data set '" + options->name + "'", fetch::datasets().hint(options->name));
    if (*found) {
      (*found)(options->where.data, options->from);
    } else {
      std::cout << options->name << " is generated and needs no files\n";
    }
    status = 0;
  });
}

}  // namespace optdnn::app
