#include "optdnn/data/preparation.h"

#include <nlohmann/json.hpp>

#include "optdnn/base/errors.h"
#include "optdnn/base/json_text.h"

namespace optdnn::data {

namespace {

// Every list under its name.
template <class Preparing, class See>
void each_list(Preparing& preparation, See see) {
  see("columns", preparation.columns);
  see("mean", preparation.mean);
  see("deviation", preparation.deviation);
  see("classes", preparation.classes);
  see("target_mean", preparation.target_mean);
  see("target_deviation", preparation.target_deviation);
}

}  // namespace

std::string Preparation::json() const {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  each_list(*this, [&](const char* name, const auto& list) {
    if (!list.empty()) json[name] = list;
  });
  return base::json_line(json);
}

Preparation read_preparation(const std::string& text, const std::string& place) try {
  Preparation preparation;
  const auto json = nlohmann::json::parse(text);
  each_list(preparation, [&](const char* name, auto& list) {
    if (json.contains(name)) json.at(name).get_to(list);
  });
  return preparation;
} catch (const nlohmann::json::exception&) {
  throw base::EnvironmentError(place + " is damaged: its preparation cannot be read");
}

}  // namespace optdnn::data
