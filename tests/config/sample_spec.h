// A small experiment, as stand-in for the real one: every kind of field that a config may have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "optdnn/config/dump.h"
#include "optdnn/config/reader.h"

namespace sample {

using namespace optdnn::config;
using optdnn::base::NameTable;

struct Cifar10 {
  static constexpr std::string_view kName = "cifar10";
  static constexpr std::string_view kHelp = "small colour images, 10 classes";
  int batch_size = 128;
  std::vector<std::string> augment;
  bool operator==(const Cifar10&) const = default;

  template <class Fields>
  void fields(Fields& f) {
    f("batch_size", batch_size, at_least(1), "images per iteration");
    f("augment", augment, "changes to training images");
  }
};

struct Rings {
  static constexpr std::string_view kName = "rings";
  static constexpr std::string_view kHelp = "points on nested rings";
  uint64_t rings = 4;
  bool operator==(const Rings&) const = default;

  template <class Fields>
  void fields(Fields& f) {
    f.required("rings", rings, between(2, 64), "number of rings");
  }
};

enum class Learn { no, shared, per_step };
inline const NameTable<Learn>& enum_names(Learn) {
  static const NameTable<Learn> table("values", {{"no", "fixed", Learn::no},
                                                 {"shared", "one for all steps", Learn::shared},
                                                 {"per_step", "one for each step", Learn::per_step}});
  return table;
}

// A number, or a map: a type with a short form.
struct Coefficient {
  double value = 0;
  Learn learn = Learn::no;
  std::optional<std::pair<double, double>> range;
  bool operator==(const Coefficient&) const = default;

  template <class Fields>
  void fields(Fields& f) {
    f.required("value", value, "the value, or where learning starts");
    f("learn", learn, "whether training changes it");
    f("range", range, "bounds while it is learned");
  }
};
inline void read_value(Reader& reader, const Node& node, Coefficient& coefficient) {
  if (node.is_map()) return reader.read_fields(node, coefficient);
  coefficient = {};
  reader.read(node, coefficient.value);
}
inline Node dump_value(const Coefficient& c) {
  return c.learn == Learn::no && !c.range ? dump(c.value) : dump_fields(c);
}
inline std::string type_text(const Coefficient&) { return "number or map"; }

struct Rule {
  static constexpr std::string_view kName = "rule";
  static constexpr std::string_view kHelp = "a rule by its equations";
  std::string equations = "x[k+1] = x[k] + T(x[k])";
  std::map<std::string, Coefficient> coefficients;
  bool operator==(const Rule&) const = default;

  template <class Fields>
  void fields(Fields& f) {
    f("equations", equations, not_empty(), "one equation a line");
    f("coefficients", coefficients, "the letters of the equations");
  }
};

struct Sgd {
  static constexpr std::string_view kName = "sgd";
  static constexpr std::string_view kHelp = "stochastic gradient descent with momentum";
  double learning_rate = 0.1;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0;
  bool operator==(const Sgd&) const = default;

  template <class Fields>
  void fields(Fields& f) {
    f("learning_rate", learning_rate, above(0), "step size at the schedule's peak");
    f("momentum", momentum, at_least(0) & less_than(1), "share of the last step that is kept");
    f("nesterov", nesterov, "look ahead before the gradient");
    f("weight_decay", weight_decay, at_least(0), "L2 penalty");
  }
  void check(Checker& checker) const {
    if (nesterov && momentum == 0)
      checker.error("nesterov", "'nesterov' needs a momentum", "set momentum, or leave nesterov out");
  }
};

struct AdamW {
  static constexpr std::string_view kName = "adamw";
  static constexpr std::string_view kHelp = "Adam with decoupled weight decay";
  double learning_rate = 1e-3;
  std::array<double, 2> betas{0.9, 0.999};
  bool operator==(const AdamW&) const = default;

  template <class Fields>
  void fields(Fields& f) {
    f("learning_rate", learning_rate, above(0), "step size at the schedule's peak");
    f("betas", betas, at_least(0) & less_than(1), "decay of the two averages");
  }
};

struct Length {
  std::optional<double> epochs;
  std::optional<int64_t> iterations;
  bool operator==(const Length&) const = default;

  template <class Fields>
  void fields(Fields& f) {
    f("epochs", epochs, above(0), "passes over the training set");
    f("iterations", iterations, at_least(1), "weight updates");
  }
  void check(Checker& checker) const {
    if (epochs.has_value() == iterations.has_value()) {
      checker.error("", "give exactly one of 'epochs' and 'iterations'");
    }
  }
};

struct Train {
  Length length{1.0, std::nullopt};
  bool shuffle = true;
  std::string note{};
  bool operator==(const Train&) const = default;

  template <class Fields>
  void fields(Fields& f) {
    f("length", length, "how long to train");
    f("shuffle", shuffle, "a new order in every epoch");
    f("note", note, "anything");
  }
};

struct Experiment {
  static constexpr std::string_view kHelp = "one experiment";
  std::variant<Cifar10, Rings> dataset;
  Rule algorithm;
  OneOrMany<int> depth = 3;
  std::variant<Sgd, AdamW> optimizer;
  Train train;
  std::vector<uint64_t> seeds{0};
  std::optional<std::string> title;
  bool operator==(const Experiment&) const = default;

  template <class Fields>
  void fields(Fields& f) {
    f.required("dataset", dataset, "what to learn");
    f("algorithm", algorithm, "the forward update rule");
    f("depth", depth, between(1, 10000), "steps, for all stages or for each");
    f("optimizer", optimizer, "how the weights are trained");
    f("train", train, "the training run");
    f("seeds", seeds, not_empty(), "one run each");
    f("title", title, "what the report calls it");
  }
};

}  // namespace sample
