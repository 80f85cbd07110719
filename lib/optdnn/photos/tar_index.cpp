#include "optdnn/photos/tar_index.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "optdnn/base/errors.h"
#include "optdnn/base/file_kind.h"
#include "optdnn/base/text.h"
#include "optdnn/photos/tar_header.h"

namespace optdnn::photos {

using base::concat;

namespace {

constexpr uint64_t kMaxRecordBytes = 1 << 16;  // of a long name
constexpr size_t kMaxMembers = 50'000'000;
constexpr int kMaxLinks = 40;  // followed for one name, as Linux does

constexpr std::string_view kDanglingLink = "a link to no file of the archive";
constexpr std::string_view kSpecial = "no plain file";
constexpr std::string_view kSparse = "a sparse file";

// A link, by the place of its member.
struct Link {
  size_t member;
  std::string target;
  bool hard;
};

class TarReader {
 public:
  TarReader(const ReadAt& read, uint64_t bytes, const std::string& place) : read_(read), bytes_(bytes), place_(place) {}

  std::vector<TarMember> index() {
    if (bytes_ < kTarBlock) fail_no_header();
    while (at_ + kTarBlock <= bytes_) {
      const std::string block = read_(at_, kTarBlock);
      if (block.size() < kTarBlock) fail("it is cut off");
      if (block.find_first_not_of('\0') == std::string::npos) break;
      take(TarHeader(block));
      if (members_.size() > kMaxMembers) fail("it has too many members");
    }
    sort_names();
    // A link may lead to another one.
    for (int hops = 0; hops < kMaxLinks; ++hops) {
      if (std::erase_if(links_, [&](const Link& link) { return resolve(link); }) == 0) break;
    }
    keep_last();
    return std::move(members_);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw base::EnvironmentError(concat(place_, " is damaged at byte ", at_, ": ", what));
  }

  [[noreturn]] void fail_no_header() const {
    const std::string begin = read_(at_, kTarBlock);
    const base::FileKind* kind = at_ == 0 ? base::file_kind(begin) : nullptr;
    if (begin.size() < kTarBlock && !kind) fail("it is shorter than a header");
    if (!kind || kind->name == base::kTarArchive) fail("this is no header of a tar archive, its checksum is wrong");
    throw base::EnvironmentError(concat(place_, " is no tar archive but ", kind->name), std::string(kind->cure));
  }

  void take(const TarHeader& header) {
    if (!header.has_sound_sum()) fail_no_header();
    const char type = header.type();
    const bool is_record = type == 'L' || type == 'K' || type == 'x' || type == 'X' || type == 'g';
    const auto size = records_.bytes && !is_record ? records_.bytes : header.bytes();
    if (!size) fail("its size is none");
    // Links, devices and folders have no data, whatever their size says. Source: POSIX, pax, "ustar".
    const uint64_t data = type >= '1' && type <= '6' ? 0 : *size;
    uint64_t begin = at_ + kTarBlock;
    for (bool more = type == 'S' && header.map_goes_on(); more; begin += kTarBlock) {
      const std::string map = read_(begin, kTarBlock);
      if (map.size() < kTarBlock) fail("it is cut off");
      more = map[504] != '\0';
    }
    if (begin > bytes_ || data > bytes_ - begin) fail("a file reaches beyond its end");
    if (is_record) {
      take_record(type, begin, data);
    } else {
      take_member(header, begin, data);
      records_ = {};
    }
    at_ = begin + (data + kTarBlock - 1) / kTarBlock * kTarBlock;
  }

  void take_record(char type, uint64_t begin, uint64_t size) {
    if (type == 'g') return;
    if (size > kMaxRecordBytes) fail("a name is too long");
    std::string text = read_(begin, size);
    if (type == 'x' || type == 'X') {
      if (!records_.read_pax(text)) fail("a pax record is none");
    } else {
      text.resize(std::min(text.find('\0'), text.size()));
      (type == 'L' ? records_.path : records_.link) = std::move(text);
    }
  }

  void take_member(const TarHeader& header, uint64_t begin, uint64_t size) {
    const char type = header.type();
    const std::string name = records_.path.empty() ? header.path() : std::move(records_.path);
    if (type == '5' || (type == '\0' && name.ends_with('/'))) return;  // folders
    std::string path = inner_path(name);
    if (path.empty()) fail(concat("'", name, "' would lead out of the archive"));
    TarMember& member = members_.emplace_back(TarMember{std::move(path), begin, size});
    if (type == '1' || type == '2') {
      member.unread = kDanglingLink;
      std::string target = records_.link.empty() ? header.link() : std::move(records_.link);
      links_.push_back({members_.size() - 1, std::move(target), type == '1'});
    } else if (type == 'S' || records_.sparse) {
      member.unread = kSparse;
    } else if (type != '0' && type != '\0' && type != '7') {
      member.unread = kSpecial;
    }
  }

  // Places in members_, by name and then in order.
  void sort_names() {
    by_name_.resize(members_.size());
    std::iota(by_name_.begin(), by_name_.end(), size_t{0});
    std::stable_sort(by_name_.begin(), by_name_.end(),
                     [&](size_t a, size_t b) { return members_[a].path < members_[b].path; });
  }

  // The last member of that name before `limit`.
  const TarMember* find(const std::string& path, size_t limit) const {
    const auto end = std::lower_bound(by_name_.begin(), by_name_.end(), limit, [&](size_t member, size_t before) {
      const int order = members_[member].path.compare(path);
      return order < 0 || (order == 0 && member < before);
    });
    return end == by_name_.begin() || members_[*(end - 1)].path != path ? nullptr : &members_[*(end - 1)];
  }

  // A hard link names a member before it; a symbolic one a path from its own folder, to be there when all is unpacked.
  // Returns whether that is a file of the archive.
  bool resolve(const Link& link) {
    if (!link.hard && link.target.starts_with('/')) return false;
    TarMember& member = members_[link.member];
    const std::string folder = link.hard ? "" : member.path.substr(0, member.path.rfind('/') + 1);
    const std::string path = target_path(folder, link.target);
    const TarMember* target = path.empty() ? nullptr : find(path, link.hard ? link.member : members_.size());
    if (!target || !target->unread.empty()) return false;
    member = {std::move(member.path), target->offset, target->bytes};
    return true;
  }

  // "cat/" and "../dog/0.jpg" make "dog/0.jpg"; nothing where that leads out of the archive.
  static std::string target_path(std::string path, std::string_view target) {
    while (!target.empty()) {
      const std::string_view part = target.substr(0, target.find('/'));
      target.remove_prefix(std::min(target.size(), part.size() + 1));
      if (part.empty() || part == ".") continue;
      if (part == "..") {
        if (path.empty()) return "";
        path.pop_back();
        path.resize(path.rfind('/') + 1);  // npos + 1 is 0
      } else {
        path += concat(part, "/");
      }
    }
    if (!path.empty()) path.pop_back();
    return path;
  }

  void keep_last() {
    std::vector<bool> replaced(members_.size());
    for (size_t i = 1; i < by_name_.size(); ++i)
      replaced[by_name_[i - 1]] = members_[by_name_[i - 1]].path == members_[by_name_[i]].path;
    size_t kept = 0;
    for (size_t i = 0; i < members_.size(); ++i) {
      if (replaced[i]) continue;
      if (kept != i) members_[kept] = std::move(members_[i]);
      ++kept;
    }
    members_.resize(kept);
  }

  const ReadAt& read_;
  uint64_t bytes_, at_ = 0;
  const std::string& place_;
  TarRecords records_;  // of the next member
  std::vector<TarMember> members_;
  std::vector<Link> links_;
  std::vector<size_t> by_name_;
};

}  // namespace

std::vector<TarMember> index_tar(const ReadAt& read, uint64_t archive_bytes, const std::string& place) {
  return TarReader(read, archive_bytes, place).index();
}

std::string inner_path(std::string_view path) {
  std::string inner;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), part.size() + 1));
    if (part == "..") return "";
    if (part.empty() || part == ".") continue;
    inner += concat(inner.empty() ? "" : "/", part);
  }
  return inner;
}

}  // namespace optdnn::photos
