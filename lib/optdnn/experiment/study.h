// A convergence study: rules beside the flow they should converge to. A table whose file says `study: converge`; a row
// holds a rule and the vector fields that stand in for its modules. Nothing is trained.
#pragma once

#include <array>

#include "optdnn/algorithms/vector_fields.h"
#include "optdnn/experiment/table.h"

namespace optdnn::experiment {

struct StudySpec {
  static constexpr std::string_view kHelp = "a study: the run of a rule over fixed vector fields beside the exact flow";

  AlgorithmSpec algorithm;
  algorithms::VectorField vector_field = algorithms::VectorField::pendulum;
  std::map<std::string, algorithms::VectorField> vector_fields;
  std::array<double, 2> input = {1.0, 0.5};
  std::vector<int> depths = {16, 32, 64, 128, 256, 512};

  template <class Fields>
  void fields(Fields& f) {
    f.required("algorithm", algorithm, "the rule, its coefficients at the values they start from");
    f("vector_field", vector_field, "stands in for the module of every family, scaled by 1/K");
    f("vector_fields", vector_fields, "of the families that have another one, by name");
    f("input", input, "the point of the plane where rule and flow start");
    f("depths", depths, config::between(1, 16384), "the numbers of steps K, ascending");
  }
  void check(config::Checker& checker) const;
};

struct StudyRow {
  std::string id;
  StudySpec spec;
  algorithms::Rule rule;
};

struct Study : TableHead {
  std::vector<StudyRow> rows;
};

// Reads every row, makes its rule and reports every mistake; rows with mistakes are left out.
Study read_study(const std::filesystem::path& file, const std::vector<std::string>& sets,
                 base::Diagnostics& diagnostics);

// True where the file's rows are those of a study, of whatever kind.
bool is_study(const std::filesystem::path& file);

}  // namespace optdnn::experiment
