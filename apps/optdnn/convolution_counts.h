// By which way the convolutions of an iteration were done, as JSON and as a cell of a table.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace optdnn::kernels {
struct ConvolutionCounts;
}

namespace optdnn::app {

// {"forward": {"F(4x4)": 16, "LibTorch": 3}, "data": ..., "weights": ..., "with_norms": 8}
nlohmann::ordered_json json_of(const kernels::ConvolutionCounts& counts);

// Of all passes: "48 F(4x4), 12 LibTorch, 8 with their norms"; empty if there were none.
std::string text_of(const nlohmann::ordered_json& counts);

}  // namespace optdnn::app
