// optdnn show CONFIG: what will be run, every default written out, with the place each value comes from.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "command.h"
#include "optdnn/base/json_text.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"
#include "optdnn/experiment/table.h"
#include "tables.h"

namespace optdnn::app {

namespace {

void show_text(const experiment::Table& table) {
  for (const experiment::Row& row : table.rows) {
    if (table.rows.size() > 1) std::cout << "# --- " << row.id << " ---\n";
    std::cout << config::to_yaml(experiment::shown(row.spec), &row.config);
    if (&row != &table.rows.back()) std::cout << '\n';
  }
}

void show_json(const experiment::Table& table) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const experiment::Row& row : table.rows) {
    rows.push_back({{"id", row.id}, {"config", config::to_json(experiment::shown(row.spec))}});
    if (!row.paper.is_null()) rows.back()["paper"] = config::to_json(row.paper);
  }
  std::cout << base::json_text(rows);
}

}  // namespace

void add_show(CLI::App& app, int& status) {
  struct Options {
    Which which;
    Where where;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  add_which_options(app, options->which, false, true);
  add_data_option(app, options->where);
  app.add_flag("--json", options->json, "print JSON, without origins");
  app.callback([options, &status] {
    const auto tables = read_tables(options->which, Purpose::look, options->where.data);
    options->json ? show_json(tables.front()) : show_text(tables.front());
    status = 0;
  });
}

}  // namespace optdnn::app
