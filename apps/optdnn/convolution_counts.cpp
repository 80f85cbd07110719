#include "convolution_counts.h"

#include "optdnn/base/text.h"
#include "optdnn/kernels/convolutions.h"

namespace optdnn::app {

namespace {
constexpr const char* kNormed = "with_norms";
}

nlohmann::ordered_json json_of(const kernels::ConvolutionCounts& counts) {
  nlohmann::ordered_json json;
  for (const auto pass : kernels::kPasses) {
    auto& of_pass = json[std::string(name_of(pass))] = nlohmann::ordered_json::object();
    for (const auto way : kernels::kWays) {
      if (counts.at(pass, way) > 0) of_pass[std::string(name_of(way))] = counts.at(pass, way);
    }
  }
  if (counts.normed > 0) json[kNormed] = counts.normed;
  return json;
}

std::string text_of(const nlohmann::ordered_json& counts) {
  std::vector<std::string> parts;
  for (const auto way : kernels::kWays) {
    int64_t all = 0;
    for (const auto& of_pass : counts) {
      if (of_pass.is_object()) all += of_pass.value(std::string(name_of(way)), int64_t{0});
    }
    if (all > 0) parts.push_back(base::concat(all, " ", name_of(way)));
  }
  if (const auto normed = counts.value(kNormed, int64_t{0}); normed > 0) {
    parts.push_back(base::concat(normed, " with their norms"));
  }
  return base::join(parts, ", ");
}

}  // namespace optdnn::app
