#include "optdnn/base/names.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace optdnn::base {

namespace {

// Optimal string alignment: insertions, deletions, substitutions, and swaps of neighbours count one each.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, previous(b.size() + 1), current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    before = previous;
    std::swap(previous, current);
  }
  return previous[b.size()];
}

// What other programs call it: the word, and the name here where it is among the candidates.
constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
    {"lr", "learning_rate"},  {"wd", "weight_decay"},    {"bs", "batch_size"},      {"batch", "batch_size"},
    {"epochs", "length"},     {"epoch", "length"},       {"iterations", "length"},  {"steps", "length"},
    {"max_epochs", "length"}, {"path", "file"},          {"path", "folder"},        {"path", "train"},
    {"root", "folder"},       {"dir", "folder"},         {"csv", "file"},           {"npz", "train"},
    {"label", "target"},      {"labels", "targets"},     {"act", "activation"},     {"nonlinearity", "activation"},
    {"channels", "width"},    {"hidden_size", "hidden"}, {"layers", "depth"},       {"blocks", "depth"},
    {"net", "model"},         {"network", "model"},      {"rule", "algorithm"},     {"method", "algorithm"},
    {"data", "dataset"},      {"scheduler", "schedule"}, {"criterion", "loss"},     {"seed", "seeds"},
    {"dtype", "precision"},   {"amp", "precision"},      {"clip", "gradient_clip"}, {"eps", "epsilon"},
};

// At the top of a config, where the key lies deeper.
constexpr std::pair<std::string_view, std::string_view> kDeeper[] = {
    {"lr", "optimizer.learning_rate"},
    {"learning_rate", "optimizer.learning_rate"},
    {"weight_decay", "optimizer.weight_decay"},
    {"momentum", "optimizer.momentum"},
    {"epochs", "train.length.epochs"},
    {"iterations", "train.length.iterations"},
    {"length", "train.length"},
    {"batch_size", "dataset.batch_size"},
    {"augment", "dataset.augment"},
    {"activation", "module.activation"},
    {"norm", "module.norm"},
    {"equations", "algorithm.equations"},
    {"coefficients", "algorithm.coefficients"},
    {"precision", "train.precision"},
    {"path", "dataset.file"},
};

bool is_one_of(std::string_view name, const std::vector<std::string>& candidates) {
  return std::find(candidates.begin(), candidates.end(), name) != candidates.end();
}

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return small;
}

}  // namespace

std::optional<std::string> closest_name(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > 64) return std::nullopt;
  for (const std::string& candidate : candidates) {
    if (word.size() > 1 && lower(word) == lower(candidate)) return candidate;  // CIFAR10
  }
  for (const auto& [theirs, ours] : kElsewhere) {
    if (lower(word) == theirs && is_one_of(ours, candidates)) return std::string(ours);
  }
  const std::string* best = nullptr;
  // Of a single letter every other letter is one slip away: no suggestion.
  size_t best_distance = word.size() < 2 ? 1 : 1 + std::max<size_t>(1, word.size() / 3);
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  if (!best) return std::nullopt;
  return *best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates, std::string_view what) {
  auto closest = closest_name(word, candidates);
  for (const auto& [key, deeper] : kDeeper) {
    const bool at_top = is_one_of("dataset", candidates) && is_one_of("optimizer", candidates);
    if (at_top && word == key && !is_one_of(word, candidates)) closest = deeper;
  }
  constexpr size_t kMost = 40;
  const std::vector<std::string> shown(candidates.begin(), candidates.begin() + std::min(kMost, candidates.size()));
  const std::string more =
      shown.size() < candidates.size() ? concat(" and ", candidates.size() - shown.size(), " more") : "";
  const std::string list = concat(what, ": ", join(shown, ", "), more);
  return closest ? concat("did you mean '", *closest, "'? ", list) : list;
}

}  // namespace optdnn::base
