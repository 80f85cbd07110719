// A library to be preloaded: counts the calls of open, write, fsync and rename that concern files below one folder, and
// lets one of them fail, or ends the process just before it (a write then leaves half of its bytes).
//   OPTDNN_FAULTS_UNDER  a part of the paths that count
//   OPTDNN_FAULTS_AT     the number of the call, from 0
//   OPTDNN_FAULTS_MODE   fail (EIO; ENOSPC of a write) or die
// or, from within the program, faults_arm() and faults_seen(), found by dlsym.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

char under[4096];
int fault_at = -1, seen = 0;
bool dies = false;

bool counts(const char* path) { return under[0] != 0 && path && std::strstr(path, under) != nullptr; }

bool counts(int file) {
  char link[64], path[4096];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
  const ssize_t size = ::readlink(link, path, sizeof(path) - 1);
  if (size < 0) return false;
  path[size] = 0;
  return counts(path);
}

bool is_due() { return seen++ == fault_at; }

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int fails(int error) {
  if (dies) ::_exit(137);
  errno = error;
  return -1;
}

using Open = int (*)(const char*, int, ...);

int opened(const char* name, const char* path, int flags, mode_t mode) {
  if (counts(path) && is_due()) return fails(EIO);
  return next<Open>(name)(path, flags, mode);
}

mode_t mode_of(int flags, va_list rest) { return flags & O_CREAT ? va_arg(rest, mode_t) : 0; }

struct FromEnvironment {
  FromEnvironment() {
    const char *path = std::getenv("OPTDNN_FAULTS_UNDER"), *at = std::getenv("OPTDNN_FAULTS_AT"),
               *mode = std::getenv("OPTDNN_FAULTS_MODE");
    if (path) std::snprintf(under, sizeof(under), "%s", path);
    if (at) fault_at = std::atoi(at);
    dies = mode && std::strcmp(mode, "die") == 0;
  }
} from_environment;

}  // namespace

extern "C" {

void faults_arm(const char* path, int at, int with_death) {
  std::snprintf(under, sizeof(under), "%s", path);
  fault_at = at;
  dies = with_death != 0;
  seen = 0;
}
int faults_seen() { return seen; }

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return opened("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return opened("open64", path, flags, mode);
}

ssize_t write(int file, const void* bytes, size_t size) {
  const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  if (!counts(file) || !is_due()) return real(file, bytes, size);
  if (dies && real(file, bytes, size / 2) < 0) return -1;
  return fails(ENOSPC);
}

int fsync(int file) {
  if (counts(file) && is_due()) return fails(EIO);
  return next<int (*)(int)>("fsync")(file);
}

int rename(const char* from, const char* to) noexcept {
  if ((counts(from) || counts(to)) && is_due()) return fails(EIO);
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}
}
