// optdnn info CONFIG: what every row costs, worked out from its spec.

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "command.h"
#include "failure.h"
#include "optdnn/base/json_text.h"
#include "optdnn/base/text.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/run.h"
#include "optdnn/experiment/table.h"
#include "readable.h"
#include "tables.h"

namespace optdnn::app {

namespace {

nlohmann::ordered_json row_info(const experiment::Row& row) {
  const modules::Count cost = experiment::count_network(row.spec);
  nlohmann::ordered_json info = {{"id", row.id},
                                 {"parameters", cost.parameters},
                                 {"multiply_adds", cost.multiply_adds},
                                 {"activation_mib_per_sample", cost.kept_mib()}};
  if (row.matched) {
    if (!row.spec.model) info["width"] = row.spec.width.values;
    info["match"] = {{"what", row.matched->what},
                     {"target", row.matched->target},
                     {"gap_pct", row.matched->gap_pct()},
                     {"at", row.matched->at}};
  }
  return info;
}

// "width [16, 32, 64]", "multiply_adds 63.3 M, gap +0.41 %"
std::pair<std::string, std::string> match_cells(const nlohmann::ordered_json& row) {
  if (!row.contains("match")) return {};
  const auto& match = row["match"];
  const auto gap = match["gap_pct"].get<double>();
  return {match["at"].get<std::string>(),
          base::concat(match["what"].get<std::string>(), " ", millions(match["target"].get<double>()), ", gap ",
                       gap < 0 ? "" : "+", fixed(gap, 2), " %")};
}

void print_info(const nlohmann::ordered_json& rows) {
  base::TextTable table({"row", "parameters", "multiply-adds", "in millions", "MiB/sample", "sizes", "match"});
  for (const auto& row : rows) {
    if (row.contains("error")) {
      table.add({row["id"], "failed"});
      continue;
    }
    const auto multiply_adds = row["multiply_adds"].get<int64_t>();
    const auto [width, match] = match_cells(row);
    table.add({row["id"], base::with_thousands(row["parameters"].get<int64_t>()), base::with_thousands(multiply_adds),
               millions(static_cast<double>(multiply_adds)), fixed(row["activation_mib_per_sample"].get<double>(), 3),
               width, match});
  }
  std::cout << table.text();
  print_errors(rows);
}

int info(const Which& which, const Where& where, bool json) {
  const auto tables = read_tables(which, Purpose::run, where.data);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  base::ExitCode status = base::ExitCode::success;
  for (const experiment::Row& row : tables.front().rows) {
    try {
      rows.push_back(row_info(row));
    } catch (...) {
      const Failure failure = current_failure();
      rows.push_back({{"id", row.id}, {"error", failure.message}});
      status = worse(status, failure.code);
    }
  }
  json ? void(std::cout << base::json_text(rows)) : print_info(rows);
  return static_cast<int>(status);
}

}  // namespace

void add_info(CLI::App& app, int& status) {
  struct Options {
    Which which;
    Where where;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  add_which_options(app, options->which, false, false);
  add_data_option(app, options->where);
  app.add_flag("--json", options->json, "print JSON");
  app.callback([options, &status] { status = info(options->which, options->where, options->json); });
}

}  // namespace optdnn::app
