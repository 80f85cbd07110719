// Who works in a run's folder, on one machine or on a file system that several share.
//
//   claim-<g>   g = 1, 2, ..., made with O_EXCL; the maker of the highest is the holder. None is ever removed or
//               renamed, so that a take-over has one winner. One line of JSON says who holds it; a second line,
//               "released", that it ended. Its time of change is the holder's heartbeat, every 30 s.
//
// A claim may be taken over when it was released; when its process is gone from this machine; when it is that of an
// earlier start of the same SLURM job; or when its heart has not beaten for ten minutes of the file server's clock. A
// holder that was only paused finds a higher claim at its next save and stops.
// flock is not used: on some network file systems it locks nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "optdnn/base/errors.h"

namespace optdnn::experiment {

// Another process works in the folder.
struct FolderInUse : base::EnvironmentError {
  using base::EnvironmentError::EnvironmentError;
};

class Claim {
 public:
  // Makes the folder if need be. Errors: FolderInUse naming machine and process of a holder that lives;
  // EnvironmentError if the folder cannot be written.
  static Claim take(const std::filesystem::path& folder);

  ~Claim();  // releases it
  Claim(Claim&&) noexcept;
  Claim(const Claim&) = delete;

  // Errors: EnvironmentError if another process has taken over.
  void check() const;

  // Whether somebody holds the folder, or held it and died: for those who only look on.
  static bool is_held(const std::filesystem::path& folder);

 private:
  struct Held;
  explicit Claim(std::unique_ptr<Held> held);
  std::unique_ptr<Held> held_;
};

}  // namespace optdnn::experiment
