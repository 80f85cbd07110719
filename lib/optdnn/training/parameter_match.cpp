#include "optdnn/training/parameter_match.h"

#include <algorithm>
#include <set>

#include "optdnn/base/errors.h"
#include "optdnn/base/names.h"
#include "optdnn/config/reader.h"

namespace optdnn::training {

void GroupSpec::check(config::Checker& c) const {
  if (frozen && (learning_rate || weight_decay)) c.error("frozen", "what is frozen has no rates");
}

bool fits_pattern(std::string_view name, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return name == pattern;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  name.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  if (pattern.empty()) return true;
  for (size_t i = 0; i <= name.size(); ++i) {
    if (fits_pattern(name.substr(i), pattern)) return true;
  }
  return false;
}

const GroupSpec* group_of(const GroupSpecs& groups, const std::string& name) {
  if (!groups) return nullptr;
  const auto found = std::find_if(groups->begin(), groups->end(),
                                  [&](const GroupSpec& group) { return fits_pattern(name, group.match); });
  return found == groups->end() ? nullptr : &*found;
}

void freeze_parameters(torch::nn::Module& module, const GroupSpecs& groups) {
  if (!groups) return;
  std::set<const GroupSpec*> used;
  std::set<std::string> parts;
  bool trains = false;
  for (auto& item : module.named_parameters()) {
    const GroupSpec* group = group_of(groups, item.key());
    used.insert(group);
    parts.insert(item.key().substr(0, item.key().find('.')) + ".*");
    if (group && group->frozen) item.value().requires_grad_(false);
    trains |= item.value().requires_grad();
  }
  for (const GroupSpec& group : *groups) {
    if (used.contains(&group)) continue;
    throw base::ConfigError(base::concat("optimizer.groups: no parameter's name fits '", group.match,
                                         "', or an earlier group has them all"),
                            base::suggestion(group.match, {parts.begin(), parts.end()}, "parts"));
  }
  if (!trains) throw base::ConfigError("optimizer.groups: every parameter is frozen, nothing is left to train");
}

}  // namespace optdnn::training
