#include "optdnn/experiment/claim.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/claim_holder.h"

namespace optdnn::experiment {

namespace fs = std::filesystem;
using base::concat;
using namespace std::chrono_literals;

namespace {

constexpr auto kBeat = 30s;
constexpr double kExpiry_s = 600;
constexpr double kWriting_s = 10;  // a claim without its line is being written, or its maker died just then
constexpr const char* kReleased = "released\n";
constexpr int kLooks = 20;

fs::path claim_file(const fs::path& folder, int64_t generation) { return folder / concat("claim-", generation); }

constexpr int64_t kMostGenerations = 1'000'000'000;  // no run is begun so often

// 0: nobody has ever claimed the folder.
int64_t newest_claim(const fs::path& folder) {
  int64_t newest = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    int64_t generation = 0;
    if (!name.starts_with("claim-")) continue;
    const auto [end, wrong] = std::from_chars(name.data() + 6, name.data() + name.size(), generation);
    const bool whole = wrong == std::errc() && end == name.data() + name.size();
    if (whole && generation <= kMostGenerations) newest = std::max(newest, generation);
  }
  if (error) throw base::EnvironmentError(concat("cannot read the folder ", folder.string(), ": ", error.message()));
  return newest;
}

double changed_s(const struct stat& status) {
  return static_cast<double>(status.st_mtim.tv_sec) + 1e-9 * static_cast<double>(status.st_mtim.tv_nsec);
}

// Now, by the clock of the machine that keeps the folder.
std::optional<double> server_time_s(const fs::path& folder, const Holder& self) {
  const fs::path probe = folder / concat(".clock-", self.host, "-", self.pid);
  const int file = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return std::nullopt;
  struct stat status {};
  const bool known = ::futimens(file, nullptr) == 0 && ::fstat(file, &status) == 0;
  ::close(file);
  ::unlink(probe.c_str());
  return known ? std::optional(changed_s(status)) : std::nullopt;
}

struct Seen {
  std::string text;
  double changed_s = 0;
};

// Nothing if it cannot be read just now (ESTALE): look again.
std::optional<Seen> look_at(const fs::path& claim) {
  struct stat status {};
  if (::stat(claim.c_str(), &status) != 0) return std::nullopt;
  try {
    return Seen{base::read_file(claim, 1 << 16), changed_s(status)};
  } catch (const base::EnvironmentError&) {
    return std::nullopt;
  }
}

// Touches every claim of this process; one thread for all of them.
class Heart {
 public:
  static Heart& instance() {
    static Heart heart;
    return heart;
  }
  void keep(const fs::path& claim) {
    const std::lock_guard lock(mutex_);
    claims_.insert(claim);
    if (!thread_.joinable()) thread_ = std::thread([this] { beat(); });
  }
  void stop_keeping(const fs::path& claim) {
    const std::lock_guard lock(mutex_);
    claims_.erase(claim);
  }
  ~Heart() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void beat() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kBeat, [&] { return stopped_; })) {
      for (const fs::path& claim : claims_) ::utimensat(AT_FDCWD, claim.c_str(), nullptr, 0);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<fs::path> claims_;
  bool stopped_ = false;
  std::thread thread_;
};

// Whether a claim may be taken over; `refused` says of one that may not what to tell.
bool is_free(const fs::path& folder, const Seen& seen, const Holder& self, std::string& refused) {
  if (seen.text.ends_with(kReleased)) return true;
  const auto now_s = server_time_s(folder, self);
  const double silent_s = now_s ? *now_s - seen.changed_s : 0;
  const auto holder = read_holder(seen.text.substr(0, seen.text.find('\n')));
  if (!holder) {
    refused = concat(folder.string(), " is being taken by another process");
    return silent_s > kWriting_s;
  }
  refused = concat(folder.string(), " is in use by process ", holder->pid, " on ", holder->host);
  return is_gone(*holder, self) || silent_s > kExpiry_s;
}

bool write_whole(int file, std::string_view text) {
  return ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

struct Claim::Held {
  fs::path folder;
  int64_t generation;
};

Claim::Claim(std::unique_ptr<Held> held) : held_(std::move(held)) {}
Claim::Claim(Claim&&) noexcept = default;

Claim::~Claim() {
  if (!held_) return;
  const fs::path path = claim_file(held_->folder, held_->generation);
  Heart::instance().stop_keeping(path);
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) return;
  write_whole(file, kReleased);  // else the end of the process says it
  ::close(file);
}

Claim Claim::take(const fs::path& folder) {
  base::make_folders(folder);
  const Holder self = this_process();
  std::string refused = concat(folder.string(), " cannot be claimed");
  for (int look = 0; look < kLooks; ++look) {
    const int64_t newest = newest_claim(folder);
    if (newest > 0) {
      const auto seen = look_at(claim_file(folder, newest));
      if (!seen) continue;
      if (!is_free(folder, *seen, self, refused)) {
        if (seen->text.find('\n') != std::string::npos) break;
        std::this_thread::sleep_for(50ms);  // its line is on the way
        continue;
      }
    }
    const fs::path path = claim_file(folder, newest + 1);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 && (errno == EEXIST || errno == ESTALE)) continue;
    const bool written = file >= 0 && write_whole(file, self.line());
    const int error = errno;
    if (file >= 0) ::close(file);
    if (!written) throw base::EnvironmentError(concat("cannot write ", path.string(), ": ", std::strerror(error)));
    Heart::instance().keep(path);
    return Claim(std::make_unique<Held>(Held{folder, newest + 1}));
  }
  throw FolderInUse(refused,
                    "wait until it ends, or end it; of a machine that is gone a claim expires ten minutes after its "
                    "last sign of life");
}

bool Claim::is_held(const fs::path& folder) {
  if (!fs::exists(folder)) return false;
  const int64_t newest = newest_claim(folder);
  const auto seen = newest > 0 ? look_at(claim_file(folder, newest)) : std::nullopt;
  return seen && !seen->text.ends_with(kReleased);
}

void Claim::check() const {
  std::error_code error;
  if (!fs::exists(held_->folder, error)) {
    throw base::EnvironmentError(held_->folder.string() + " was removed or moved while it was trained",
                                 "nothing more is written; the same command begins anew");
  }
  if (newest_claim(held_->folder) <= held_->generation) return;
  throw base::EnvironmentError(concat(held_->folder.string(), " was taken over by another process"),
                               "this one was silent for too long; nothing more is written here");
}

}  // namespace optdnn::experiment
