// The certificate as text and as JSON (the schema of `certify --json`).
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "optdnn/algorithms/certificate.h"
#include "optdnn/algorithms/given_values.h"
#include "optdnn/algorithms/numbers.h"
#include "optdnn/base/text.h"
#include "optdnn/base/text_table.h"

namespace optdnn::algorithms {

using base::concat;
using nlohmann::json;

namespace {

constexpr size_t kWidestTable = 12;  // states and calls together

std::string complex_text(const std::complex<double>& value) {
  if (value.imag() == 0.0) return short_number(value.real());
  return concat(short_number(value.real()), value.imag() < 0 ? " - " : " + ", short_number(std::abs(value.imag())),
                "i");
}

// "1, 0.25 +- 0.433i"
std::string roots_text(const std::vector<std::complex<double>>& roots) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < roots.size(); ++i) {
    if (i + 1 < roots.size() && roots[i].imag() > 0.0 && std::abs(roots[i + 1] - std::conj(roots[i])) < 1e-9) {
      texts.push_back(concat(short_number(roots[i].real()), " +- ", short_number(roots[i].imag()), "i"));
      ++i;
    } else {
      texts.push_back(complex_text(roots[i]));
    }
  }
  return base::join(texts, ", ");
}

std::string call_text_of(const Rule& rule, const Call& call) {
  const std::string& family = rule.families()[call.family];
  return call.fresh < 0 ? concat(family, "(", call.argument, ")")
                        : concat(family, "[k,", call.fresh, "](", call.argument, ")");
}

// Rows: the arguments of the calls (C | D), then the next states (A | B). Zeros are left blank.
std::string table_text(const Rule& rule, const Certificate& certificate) {
  const Tableau& t = certificate.tableau;
  const NumericTableau& n = certificate.numeric;
  const size_t states = t.states.size(), calls = t.calls.size();
  if (states + calls > kWidestTable)
    return concat("  ", states, " states and ", calls, " calls; --json prints the matrices\n");
  std::vector<std::string> header = {"", "|"};
  header.insert(header.end(), t.states.begin(), t.states.end());
  header.emplace_back("|");
  for (const Call& call : t.calls) header.push_back(call_text_of(rule, call));
  base::TextTable table(std::move(header));
  const auto add_row = [&](const std::string& name, const Eigen::MatrixXd& left, const Eigen::MatrixXd& right,
                           size_t row) {
    std::vector<std::string> line = {concat("  ", name)};
    for (const auto* matrix : {&left, &right}) {
      line.emplace_back("|");
      for (Eigen::Index j = 0; j < matrix->cols(); ++j) {
        const double value = (*matrix)(static_cast<Eigen::Index>(row), j);
        line.push_back(value == 0.0 ? "." : short_number(value));
      }
    }
    table.add(std::move(line));
  };
  for (size_t i = 0; i < calls; ++i) add_row(concat("argument of ", call_text_of(rule, t.calls[i])), n.C, n.D, i);
  for (size_t i = 0; i < t.next_states.size(); ++i) add_row(t.next_states[i], n.A, n.B, i);
  return table.text();
}

std::string coefficient_text(const Coefficient& c) {
  std::string text = concat(c.name, " = ", given_text(c));
  if (c.learn != Learn::no) text += c.learn == Learn::shared ? ", learned" : ", learned per step";
  if (c.range) text += concat(" in [", base::number_text(c.range->low), ", ", base::number_text(c.range->high), "]");
  return text;
}

json given_json(const Coefficient& c) {
  if (c.value) return *c.value;
  if (!c.sequence.empty()) return c.sequence;
  if (!c.formula.empty()) return {{"formula", c.formula}};
  return c.repeat ? json{{"values", c.values}, {"repeat", true}} : json(c.values);
}

// A condition that rests on one that fails is neither met nor missed.
Verdict verdict(bool yes, bool open = false) { return yes ? Verdict::yes : open ? Verdict::open : Verdict::no; }

std::string steps_text(const JudgedBy& by) {
  if (!by.repeats) return concat(by.steps, " steps, which is no proof");
  return by.steps == 1 ? concat("step ", by.from, ", whose numbers all later ones have")
                       : concat("steps ", by.from, " to ", by.from + by.steps - 1, ", which repeat from then on");
}

std::string stability_text(const std::map<int, double>& constants) {
  std::vector<std::string> depths, values;
  for (const auto& [K, value] : constants) {
    depths.push_back(std::to_string(K));
    values.push_back(short_number(value));
  }
  return concat("stability constant ", base::join(values, ", "), " at K = ", base::join(depths, ", "));
}

json numbers(const Eigen::VectorXd& values) { return std::vector<double>(values.begin(), values.end()); }

json numbers(const Eigen::MatrixXd& matrix) {
  json rows = json::array();
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) rows.push_back(numbers(Eigen::VectorXd(matrix.row(i).transpose())));
  return rows;
}

}  // namespace

std::string verdict_line(std::string_view name, Verdict verdict, const std::string& detail) {
  const char* word = verdict == Verdict::yes ? "yes" : verdict == Verdict::no ? "no" : "-";
  std::string line = concat("  ", name);
  line.resize(20, ' ');
  line += word;
  if (!detail.empty()) line.resize(26, ' ');
  return concat(line, detail, "\n");
}

std::string certificate_text(const Rule& rule, const Certificate& certificate) {
  std::string text = concat("rule ", rule.name(), rule.is_explicit() ? ", explicit" : ", implicit", "\n\n");
  for (const std::string& line : base::split(base::trim(rule.equations()), '\n')) text += concat("  ", line, "\n");
  for (const Coefficient& coefficient : rule.coefficients()) text += concat("  ", coefficient_text(coefficient), "\n");

  text += !certificate.judged_by ? "\ntableau, the same at every step\n\n"
                                 : concat("\ntableau of step ", certificate.step, "\n\n");
  text += table_text(rule, certificate);

  text += "\ncertificate\n\n";
  if (certificate.judged_by) text += concat("  judged by         ", steps_text(*certificate.judged_by), "\n");
  text += verdict_line("preconsistent", verdict(certificate.preconsistent));
  std::string stability;
  if (certificate.eigenvalues)
    stability = concat(certificate.eigenvalues->size() == 1 ? "root " : "roots ", roots_text(*certificate.eigenvalues));
  if (certificate.stability_constant)
    stability += concat(stability.empty() ? "" : "; ", stability_text(*certificate.stability_constant));
  text += verdict_line("zero-stable", verdict(certificate.zero_stable), stability);
  std::vector<std::string> steps;
  bool driven = false;
  if (certificate.effective_step) {
    for (const auto& [family, step] : *certificate.effective_step) {
      steps.push_back(concat(family, " ", short_number(step)));
      driven |= step != 0.0;
    }
  }
  text += verdict_line("driven", verdict(driven, !certificate.preconsistent || !certificate.zero_stable),
                       steps.empty() ? "" : concat("effective step ", base::join(steps, ", ")));
  text += verdict_line("started and read", verdict(certificate.started_and_read, !certificate.preconsistent));
  if (certificate.lipschitz_bound) {
    text += concat("  the solve is a contraction while the modules on a cycle have a Lipschitz constant below ",
                   short_number(*certificate.lipschitz_bound), "\n");
  }

  text += concat("\n", certificate.convergent ? "convergent: " : "not convergent: ", certificate.reason, "\n");
  if (certificate.coupled) {
    text += concat("coupled: K steps with modules scaled by 1/K converge to the flow of ",
                   base::join(equations(*certificate.coupled, rule), ", "), "\n");
  }
  if (!certificate.fix.empty()) text += concat("fix: ", certificate.fix, "\n");
  return text;
}

json certificate_json(const Rule& rule, const Certificate& certificate) {
  json calls = json::array();
  for (const Call& call : certificate.tableau.calls)
    calls.push_back({{"family", rule.families()[call.family]}, {"argument", call.argument}});
  json coefficients = json::object();
  for (const Coefficient& c : rule.coefficients()) {
    if (c.learn == Learn::no) coefficients[c.name] = given_json(c);
  }
  for (const auto& [name, value] : certificate.coefficients) coefficients[name] = value;

  json object = {{"rule", rule.name()},
                 {"step", certificate.step},
                 {"states", certificate.tableau.states},
                 {"calls", calls},
                 {"A", numbers(certificate.numeric.A)},
                 {"B", numbers(certificate.numeric.B)},
                 {"C", numbers(certificate.numeric.C)},
                 {"D", numbers(certificate.numeric.D)},
                 {"start", numbers(certificate.start)},
                 {"output", numbers(certificate.output)},
                 {"coefficients", coefficients},
                 {"explicit", certificate.is_explicit},
                 {"judged_by", nullptr},
                 {"eigenvalues", nullptr},
                 {"spectral_radius", nullptr},
                 {"preconsistent", certificate.preconsistent},
                 {"zero_stable", certificate.zero_stable},
                 {"effective_step", nullptr},
                 {"started_and_read", certificate.started_and_read},
                 {"stability_constant", nullptr},
                 {"lipschitz_bound", nullptr},
                 {"modules_two_layer", nullptr},
                 {"convergent", certificate.convergent},
                 {"certified", certificate.convergent},
                 {"coupled", certificate.coupled.has_value()},
                 {"flows", nullptr},
                 {"universal", nullptr},
                 {"reason", certificate.reason}};
  if (const auto& by = certificate.judged_by)
    object["judged_by"] = {{"from", by->from}, {"steps", by->steps}, {"repeats", by->repeats}};
  if (certificate.eigenvalues) {
    json roots = json::array();
    for (const auto& root : *certificate.eigenvalues) roots.push_back({root.real(), root.imag()});
    object["eigenvalues"] = roots;
  }
  if (certificate.spectral_radius) object["spectral_radius"] = *certificate.spectral_radius;
  if (certificate.effective_step) object["effective_step"] = *certificate.effective_step;
  if (certificate.stability_constant) {
    json constants = json::object();
    for (const auto& [K, value] : *certificate.stability_constant) constants[std::to_string(K)] = value;
    object["stability_constant"] = constants;
  }
  if (certificate.lipschitz_bound) object["lipschitz_bound"] = *certificate.lipschitz_bound;
  if (certificate.coupled) object["flows"] = equations(*certificate.coupled, rule);
  return object;
}

}  // namespace optdnn::algorithms
