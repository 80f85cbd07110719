// What a data set leaves out, by reason, so that nothing is left out without a word: how many, and the first of each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace optdnn::photos {

// "cat, dog, eel, fox, gnu and 3 more"
std::string some_of(const std::vector<std::string>& names);

class LeftOut {
 public:
  // `reason` completes "4 files are left out: "; `name` is an example.
  void add(const std::string& reason, const std::string& name);
  void add(const LeftOut& other);

  // One line a reason: "4 files are left out: pictures that are not read, .webp (train/cat/x.webp and others)".
  std::vector<std::string> lines() const;

 private:
  struct Count {
    int64_t files = 0;
    std::string first;  // by name
  };
  std::map<std::string, Count> reasons_;
};

}  // namespace optdnn::photos
