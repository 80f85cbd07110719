// The YAML key `algorithm`: a rule of the catalogue by name, or a rule of the user's own by its equations.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "optdnn/algorithms/rule.h"
#include "optdnn/config/fields.h"

namespace optdnn::algorithms {

const base::NameTable<Learn>& enum_names(Learn);

}  // namespace optdnn::algorithms

namespace optdnn::experiment {

// Written as a number (0.5), a sequence's name (fista), a list by k ([1, 0.5], whose last value holds), or a map
// {value | sequence | values, repeat | formula, learn, range}.
struct CoefficientSpec {
  std::optional<double> value;
  std::optional<std::string> sequence;
  std::optional<std::vector<double>> values;
  std::optional<bool> repeat;
  std::optional<std::string> formula;
  algorithms::Learn learn = algorithms::Learn::no;
  std::optional<std::pair<double, double>> range;
  base::SourceSpan span;

  template <class Fields>
  void fields(Fields& f) {
    f("value", value, "a number: the value, or where learning starts");
    f("sequence", sequence, "theta, fista or nesterov_dense, instead of value");
    f("values", values, config::not_empty(), "instead: a number for each k, of which the last holds");
    f("repeat", repeat, "of values: they begin again instead");
    f("formula", formula, config::not_empty(), "instead: an expression in k, as (k-1)/(k+2)");
    f("learn", learn, "no, shared (one number a stage) or per_step");
    f("range", range, "[lo, hi], kept by a sigmoid while learning");
  }
};
void read_value(config::Reader& reader, const config::Node& node, CoefficientSpec& spec);
nlohmann::json schema_value(const CoefficientSpec&);
std::string type_text(const CoefficientSpec&);

struct AlgorithmSpec {
  static constexpr std::string_view kHelp = "the forward update rule";
  std::string name;
  std::optional<std::string> equations;
  std::map<std::string, CoefficientSpec> coefficients;
  std::optional<std::string> output;
  std::map<std::string, double> start;
  config::Node node;  // as read, for the places of mistakes; null afterwards

  template <class Fields>
  void fields(Fields& f) {
    f.required("name", name, config::not_empty(), "a rule of `optdnn list algorithms`, or a name for your own");
    f("equations", equations, "the rule, one assignment a line; only for a rule of your own");
    f("coefficients", coefficients, "numbers, sequences and learnable values by name");
    f("output", output, "the state that is the network's output (default x, else the first)");
    f("start", start, "what multiplies the stage's input in each state before step 0 (default 1)");
  }
};
void read_value(config::Reader& reader, const config::Node& node, AlgorithmSpec& spec);
nlohmann::json schema_value(const AlgorithmSpec&);

// Returns the rule, or nothing after reporting what is wrong with it at its place in the file.
std::optional<algorithms::Rule> make_rule(const AlgorithmSpec& spec, base::Diagnostics& diagnostics);

}  // namespace optdnn::experiment
