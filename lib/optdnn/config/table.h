// A file of experiments: one experiment, or a table of rows.
//
//   include: base.yaml                   # one other file, relative to this one; this file's keys win
//   table: Table 3                       # a title; makes the file a table, as `defaults` and `rows` do
//   study: converge                      # the rows are no experiments but something else, which this word names
//   defaults: {depth: [9, 9, 9]}         # any keys of an experiment
//   rows:
//     - id: apg2                         # the rest are overrides of the defaults
//       algorithm: {name: apg2}
//       paper: {test_error_pct: 6.97}    # kept apart, never part of the config
//       grid: {depth: [3, 5]}            # rows apg2-depth=3, apg2-depth=5
//   grid: {optimizer.learning_rate: [0.1, 0.2], width: [16, 32]}   # every combination, for every row
//   zip:  {depth: [3, 5], width: [16, 32]}                         # in lockstep
#pragma once

#include <string>
#include <vector>

#include "optdnn/base/diagnostics.h"
#include "optdnn/config/merge.h"
#include "optdnn/config/node.h"

namespace optdnn::config {

inline constexpr size_t kMaxRows = 10'000;

// A value that a sweep of the file or an override gives a row.
struct Given {
  std::string path;
  base::SourceSpan place;
  Node value;
  bool is_override;
};

struct ExpandedRow {
  std::string id;  // "run" for a single experiment; letters, digits and . _ + - = , fit for a folder's name
  Node config;
  Node paper;  // null if absent
  base::SourceSpan span;
  std::vector<Given> given;
};

struct TableFile {
  std::string table;  // empty for a single experiment
  Node study;         // a text; null for experiments
  std::vector<ExpandedRow> rows;
};

// Returns the rows of a file with the overrides `sets` ("optimizer.learning_rate=0.05") applied to each.
// Mistakes go to `diagnostics`; rows that could not be made are left out.
// `displaced` (merge.h): which keys of the defaults give way to which keys of a row, of an override or of a sweep.
TableFile expand(const Node& file, const std::vector<std::string>& sets, base::Diagnostics& diagnostics,
                 const Displaced& displaced = {});

}  // namespace optdnn::config
