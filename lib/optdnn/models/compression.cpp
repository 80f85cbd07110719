#include "optdnn/models/compression.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/reader.h"
#include "optdnn/execution/program.h"

namespace optdnn::models {

namespace {

enum class Width { unknown, input, growth };

// Of every value, and of every module's arguments. Unknown: a combination of nothing, or no argument yet.
class Widths {
 public:
  Widths(const execution::Program& program, const algorithms::Rule& rule)
      : program_(program), rule_(rule), of_value_(program.values, Width::unknown), of_module_(program.modules.size()) {
    std::fill(of_value_.begin(), of_value_.begin() + program.inputs, Width::input);
  }

  std::vector<bool> of_modules() {
    for (const execution::Operation& operation : program_.operations) {
      if (const auto* combine = std::get_if<execution::Combine>(&operation.what)) {
        for (const auto& term : combine->terms) meet(of_value_[operation.value], of_value_[term.value]);
      } else if (const auto* call = std::get_if<execution::Call>(&operation.what)) {
        if (of_value_[call->argument] == Width::unknown) refuse("asks a module at zero");
        meet(of_module_[call->module], of_value_[call->argument]);
        of_value_[operation.value] = Width::growth;
      } else {
        refuse("solves for its modules' results");
      }
    }
    for (const int output : program_.outputs) {
      if (of_value_[output] == Width::input) refuse("hands on x[0] once more");
    }
    std::vector<bool> reads;
    for (const Width width : of_module_) reads.push_back(width == Width::input);
    return reads;
  }

 private:
  void meet(Width& one, Width other) const {
    if (one == Width::unknown) one = other;
    if (other != Width::unknown && one != other) refuse("adds x[0], which has a width of its own, to other terms");
  }
  [[noreturn]] void refuse(std::string_view what) const {
    throw base::ConfigError(
        base::concat("transition 'dense' with a number as compression: rule '", rule_.name(), "' ", what),
        "compression: growth, or a rule as x[k+1] = sum(j, 0, k, T[k,j](x[j]))");
  }

  const execution::Program& program_;
  const algorithms::Rule& rule_;
  std::vector<Width> of_value_, of_module_;
};

}  // namespace

void read_value(config::Reader& reader, const config::Node& node, Compression& compression) {
  compression.share.reset();
  if (node.is_scalar() && node.text() == "growth") return;
  reader.read(node, compression.share.emplace(1.0), config::above(0) & config::at_most(1));
}

config::Node dump_value(const Compression& compression) {
  return compression.share ? config::dump(*compression.share) : config::text_node("growth");
}

nlohmann::json schema_value(const Compression&) {
  const nlohmann::json share = {{"type", "number"}, {"exclusiveMinimum", 0}, {"maximum", 1}};
  return {{"oneOf", {share, {{"enum", {"growth"}}}}}};
}

std::string type_text(const Compression&) { return "growth or number > 0 and <= 1"; }

int64_t kept_channels(double share, int64_t channels) {
  return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(channels) * share));
}

void check_compression(const Compression& compression, const algorithms::Rule& rule, int depth) {
  if (compression.share)
    reads_input_width(execution::make_programs(rule, {depth}, execution::Outputs::every).front(), rule);
}

std::vector<bool> reads_input_width(const execution::Program& program, const algorithms::Rule& rule) {
  return Widths(program, rule).of_modules();
}

}  // namespace optdnn::models
