// optdnn certify RULE|CONFIG: do the networks of a rule approach a flow as they get deeper? And of a config: does the
// theorem say that they are universal approximators?

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "command.h"
#include "failure.h"
#include "optdnn/algorithms/catalogue.h"
#include "optdnn/algorithms/certificate.h"
#include "optdnn/base/json_text.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/merge.h"
#include "optdnn/config/read.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/solves.h"
#include "optdnn/experiment/table.h"
#include "optdnn/experiment/universal.h"
#include "readable.h"
#include "tables.h"

namespace optdnn::app {

namespace {

struct CertifyCommandOptions {
  std::string target, require;
  Which which;
  Where where;
  int step = 0, depth = 16;
  bool json = false, latex = false;
};

struct Certified {
  std::string title;
  algorithms::Rule rule;
  algorithms::Certificate certificate;
  std::optional<experiment::Universal> universal = {};  // of a config's row
  std::optional<double> factor = {}, radius = {};       // of the solves of an implicit row
  std::string source = {};                              // of a rule of the catalogue
};

bool holds_only_an_algorithm(const config::Node& node) {
  return node.is_map() && node.entries().size() == 1 && node.entries().front().key == "algorithm";
}

// At the initial coefficients.
algorithms::Certificate certify_at_start(const algorithms::Rule& rule, int depth, int step) {
  algorithms::check_depth(rule, depth);
  return algorithms::certify(rule, depth, step);
}

// A rule by name, or a file that holds nothing but `algorithm:`. Overrides are its coefficients: --set beta=0.9.
Certified certify_rule(config::Node node, const CertifyCommandOptions& options, base::Diagnostics& diagnostics) {
  for (const std::string& set : options.which.sets) {
    const bool whole_path = set.starts_with("algorithm.");
    node = config::apply_set(node, whole_path ? set : "algorithm.coefficients." + set, diagnostics);
  }
  const auto spec = config::read<experiment::AlgorithmSpec>(*node.find("algorithm"), diagnostics, "algorithm");
  const auto rule = spec.name.empty() ? std::nullopt : experiment::make_rule(spec, diagnostics);
  diagnostics.throw_if_errors();
  return {"", *rule, certify_at_start(*rule, options.depth, options.step)};
}

std::vector<Certified> certify_table(const CertifyCommandOptions& options) {
  Which which = options.which;
  which.configs = {options.target};
  const auto tables = read_tables(which, Purpose::look, options.where.data);
  std::vector<Certified> all;
  for (const auto& row : tables.front().rows) {
    const auto rule = experiment::rule_of(row.spec);
    if (!rule) continue;  // a baseline has no rule
    const bool carry = models::state_across(row.spec.transition) == models::StateAcross::carry;
    const auto& depths = row.spec.depth.values;
    const auto solves = experiment::report_solves(row.spec);
    std::vector<algorithms::Certificate> certificates;
    int first = 0;
    for (size_t stage = 0; stage < depths.size(); ++stage) {
      const int last = first + static_cast<int>(depths[stage]);
      certificates.push_back(certify_at_start(*rule, last, first + options.step));
      if (carry) first = last;
    }
    const experiment::Universal universal = experiment::judge_universal(row.spec, certificates);
    for (size_t stage = 0; stage < depths.size(); ++stage) {
      const std::string title = depths.size() > 1 ? base::concat(row.id, ", stage ", stage) : row.id;
      all.push_back({title, *rule, certificates[stage], universal});
      if (!solves) continue;
      all.back().factor = solves->contraction_factor;
      all.back().radius = solves->spectral_radius.at(stage);
    }
  }
  return all;
}

nlohmann::json certified_json(const Certified& c) {
  nlohmann::json object = algorithms::certificate_json(c.rule, c.certificate);
  if (c.universal) add_universal(*c.universal, object);
  if (!c.source.empty()) object["source"] = c.source;
  if (c.radius) {
    object["contraction_factor"] = c.factor ? nlohmann::json(*c.factor) : nlohmann::json(nullptr);
    object["solve_spectral_radius"] = *c.radius;
  }
  return object;
}

std::string solves_text(const Certified& c) {
  if (!c.radius) return "";
  return base::concat("solves: ",
                      c.factor
                          ? base::concat("the bounds of the modules allow a factor of ", base::number_text(*c.factor))
                          : "the modules have no bound",
                      "; measured at the initial weights: spectral radius ", fixed(*c.radius, 3), "\n");
}

std::string learned_text(const Certified& c) {
  std::vector<std::string> names;
  for (const algorithms::Coefficient& one : c.rule.coefficients()) {
    if (one.learn != algorithms::Learn::no) names.push_back(one.name);
  }
  return names.empty()
             ? ""
             : base::concat("judged where training begins, before it changes ", base::join(names, ", "), "\n");
}

std::string certified_text(const Certified& c) {
  return algorithms::certificate_text(c.rule, c.certificate) + learned_text(c) + solves_text(c) +
         (c.universal ? experiment::universal_text(*c.universal) : "") +
         (c.source.empty() ? "" : base::concat("source: ", c.source, "\n"));
}

bool meets(const Certified& c, const std::string& wanted) {
  if (wanted == "convergent") return c.certificate.convergent;
  return c.universal && c.universal->verdict.value_or(false);
}

// Equations on the command line, where no file is meant.
config::Node written_rule(const std::string& equations) {
  const auto source = std::make_shared<base::SourceText>(base::SourceText{"equations", equations});
  const base::SourceSpan span{source, 1, 1, static_cast<int>(equations.size())};
  const config::Node text = config::Node::scalar(equations, config::Node::Style::plain, span, 0);
  return config::Node::map(
      {{"algorithm", span,
        config::Node::map({{"name", span, config::text_node("given")}, {"equations", span, text}}, span)}},
      span);
}

config::Node named_rule(const std::string& name) {
  return config::Node::map({{"algorithm", {}, config::Node::map({{"name", {}, config::Node::scalar(name)}})}});
}

int certify(const CertifyCommandOptions& options) {
  std::error_code ignored;  // what cannot be looked at may still be a rule's name
  const bool is_file = std::filesystem::exists(options.target, ignored);
  if (!options.which.rows.empty() && !is_file) {
    throw base::ConfigError("--row chooses rows of a config, and '" + options.target + "' is no file");
  }
  base::Diagnostics diagnostics;
  std::vector<Certified> all;
  bool one_rule = true;
  if (is_file) {
    const config::Node node = config::read_yaml_file(options.target, diagnostics);
    diagnostics.throw_if_errors();
    one_rule = holds_only_an_algorithm(node);
    if (one_rule && !options.which.rows.empty())
      throw base::ConfigError("--row chooses rows of a config, and " + options.target + " holds one algorithm");
    all = one_rule ? std::vector<Certified>{certify_rule(node, options, diagnostics)} : certify_table(options);
  } else if (options.target.find('=') != std::string::npos) {
    all.push_back(certify_rule(written_rule(options.target), options, diagnostics));
  } else if (const auto* known = algorithms::find_rule(options.target)) {
    all.push_back(certify_rule(named_rule(options.target), options, diagnostics));
    all.back().source = known->source;
  } else {
    std::vector<std::string> names;
    for (const auto& rule : algorithms::catalogue()) names.push_back(rule.name);
    throw base::ConfigError("'" + options.target + "' is neither a file nor a rule",
                            base::suggestion(options.target, names, "rules"));
  }
  if (all.empty()) throw base::ConfigError("no row of " + options.target + " has an algorithm");
  int status = 0;
  for (const Certified& c : all) {
    if (options.require.empty() || meets(c, options.require)) continue;
    status = kNotMet;
    const bool of_rule = options.require == "convergent" || !c.universal;
    std::cerr << (c.title.empty() ? c.rule.name() : c.title) << " is not " << options.require << ": "
              << (of_rule && options.require == "universal" ? "a rule by itself has no modules; give a config"
                  : of_rule                                 ? c.certificate.reason
                                                            : c.universal->reason)
              << '\n';
  }
  if (options.json) {
    nlohmann::json list = nlohmann::json::array();
    for (const Certified& c : all) list.push_back(certified_json(c));
    std::cout << base::json_text(one_rule ? list.at(0) : list);
    return status;
  }
  for (const Certified& c : all) {
    if (!c.title.empty()) std::cout << (options.latex ? "% " + c.title : "=== " + c.title + " ===") << '\n';
    std::cout << (options.latex ? algorithms::latex(c.rule) : certified_text(c));
    if (&c != &all.back()) std::cout << '\n';
  }
  return status;
}

}  // namespace

void add_certify(CLI::App& app, int& status) {
  const auto options = std::make_shared<CertifyCommandOptions>();
  app.add_option("RULE|CONFIG", options->target,
                 "a rule of `optdnn list algorithms`, a YAML file, or equations: 'x[k+1] = x[k] + T(x[k])'")
      ->required();
  add_row_option(app, options->which);
  app.add_option("--set", options->which.sets, "override: beta=0.9 for a rule, a path for a config")
      ->allow_extra_args(false);
  take_whole_numbers(app.add_option("--step", options->step, "the step whose tableau is shown"), 0, 10'000)
      ->capture_default_str();
  take_whole_numbers(app.add_option("--depth", options->depth, "steps a rule by itself is judged for"), 1, 10'000)
      ->capture_default_str();
  add_data_option(app, options->where);
  app.add_option("--require", options->require, "convergent or universal: exit code 5 where that is not so")
      ->check(CLI::IsMember({"convergent", "universal"}));
  auto* json = app.add_flag("--json", options->json, "print JSON");
  app.add_flag("--latex", options->latex, "print the equations as LaTeX")->excludes(json);
  app.callback([options, &status] { status = certify(*options); });
}

}  // namespace optdnn::app
