// How many channels a transition of the DenseNet setting keeps: the next stage's growth rate, or a share of what the
// stage hands on. With a share, x[0] has a width of its own beside the growth rate of all other iterates, as in
// DenseNet: 16 channels at first, and what was kept from then on. So no rule may add x[0], or what has its width, to
// anything else.
// Paper (Huang et al. 2017): 16 channels before the first block; 1 for DenseNet, 0.5 for DenseNet-BC.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "optdnn/config/fields.h"

namespace optdnn::algorithms {
class Rule;
}
namespace optdnn::execution {
struct Program;
}

namespace optdnn::models {

struct Compression {
  std::optional<double> share;  // above 0, at most 1; none: growth
};
// Written `growth`, or a number.
void read_value(config::Reader& reader, const config::Node& node, Compression& compression);
config::Node dump_value(const Compression& compression);
nlohmann::json schema_value(const Compression&);
std::string type_text(const Compression&);

inline constexpr int64_t kFirstDenseWidth = 16;

// Those of a transition that keeps this share of so many, at least one.
int64_t kept_channels(double share, int64_t channels);

// For each of the program's modules, whether its argument has the width of the stage's input rather than the growth
// rate. Errors: ConfigError naming the rule where both widths meet in a sum, in one module's arguments or in a solve.
std::vector<bool> reads_input_width(const execution::Program& program, const algorithms::Rule& rule);
// Errors: those of reads_input_width for a stage of so many steps, if the compression is a number.
void check_compression(const Compression& compression, const algorithms::Rule& rule, int depth);

}  // namespace optdnn::models
