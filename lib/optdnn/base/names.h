// Look-up tables of names: one visible list of {name, help, value} per catalogue, no silent default, and a
// suggestion when a name is misspelt.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "optdnn/base/text.h"

namespace optdnn::base {

// The candidate with the smallest edit distance to `word`, if it is close enough to be a slip of the hand.
std::optional<std::string> closest_name(std::string_view word, const std::vector<std::string>& candidates);

// "did you mean 'momentum'? keys: name, learning_rate, momentum"
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates, std::string_view what);

template <class Value>
struct NamedEntry {
  std::string_view name;
  std::string_view help;  // one line
  Value value;
};

template <class Value>
class NameTable {
 public:
  NameTable(std::string_view what, std::vector<NamedEntry<Value>> entries)
      : what_(what), entries_(std::move(entries)) {}

  const std::vector<NamedEntry<Value>>& entries() const { return entries_; }
  std::string_view what() const { return what_; }
  const Value* find(std::string_view name) const {
    for (const auto& entry : entries_) {
      if (entry.name == name) return &entry.value;
    }
    return nullptr;
  }
  // Empty for a value that has none.
  std::string_view name_of(const Value& value) const {
    for (const auto& entry : entries_) {
      if (entry.value == value) return entry.name;
    }
    return {};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : entries_) names.emplace_back(entry.name);
    return names;
  }
  std::string hint(std::string_view wrong) const { return suggestion(wrong, names(), what_); }

 private:
  std::string_view what_;  // plural, as in "keys" or "algorithms"
  std::vector<NamedEntry<Value>> entries_;
};

}  // namespace optdnn::base
