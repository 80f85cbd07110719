#include "optdnn/photos/left_out.h"

#include "optdnn/base/text.h"

namespace optdnn::photos {

std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  if (names.size() <= kShown + 1) return base::join(names, ", ");
  return base::concat(base::join({names.begin(), names.begin() + kShown}, ", "), " and ", names.size() - kShown,
                      " more");
}

void LeftOut::add(const std::string& reason, const std::string& name) {
  Count& count = reasons_[reason];
  if (count.files == 0 || name < count.first) count.first = name;
  ++count.files;
}

void LeftOut::add(const LeftOut& other) {
  for (const auto& [reason, count] : other.reasons_) {
    add(reason, count.first);
    reasons_[reason].files += count.files - 1;
  }
}

std::vector<std::string> LeftOut::lines() const {
  std::vector<std::string> lines;
  for (const auto& [reason, count] : reasons_) {
    const bool one = count.files == 1;
    lines.push_back(base::concat(base::with_thousands(count.files), one ? " file is" : " files are",
                                 " left out: ", reason, " (", count.first, one ? ")" : " and others)"));
  }
  return lines;
}

}  // namespace optdnn::photos
