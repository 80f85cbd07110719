#include "optdnn/experiment/hparams.h"

#include "optdnn/config/json.h"
#include "optdnn/config/merge.h"
#include "optdnn/experiment/run_folder.h"

namespace optdnn::experiment {

namespace {

using nlohmann::json;

std::string plain(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void add(const json& value, const std::string& path, metrics::Hparams& hparams) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) add(inner, path.empty() ? key : path + "." + key, hparams);
  } else if (value.is_array()) {
    std::string text;
    for (const json& entry : value) text += (text.empty() ? "" : ", ") + plain(entry);
    hparams.emplace_back(path, text);
  } else if (value.is_number()) {
    hparams.emplace_back(path, value.get<double>());
  } else {
    hparams.emplace_back(path, plain(value));
  }
}

}  // namespace

metrics::Hparams hparams_of(const config::Node& resolved) {
  json config = config::to_json(identity_of(resolved));
  for (const char* key : {"paper", "compare", "seeds"}) config.erase(key);
  if (config.contains("algorithm")) config["algorithm"].erase("equations");
  metrics::Hparams hparams;
  add(config, "", hparams);
  const config::Node* seeds = resolved.find("seeds");
  if (seeds) add(config::to_json(*seeds)[0], "seed", hparams);
  return hparams;
}

}  // namespace optdnn::experiment
