#include "signals.h"

#include <csignal>
#include <ctime>
#include <initializer_list>

namespace optdnn::app {

namespace {

constexpr time_t kSameRequest_s = 1;

volatile std::sig_atomic_t received = 0;
volatile time_t interrupted_s = 0;

time_t now_s() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

// Whole process groups are told to stop, so that a process may hear it from several. The reader of our output may be
// gone for good: what is still written to it then fails and is left at that.
void remember(int signal) {
  if (signal == SIGINT && received == SIGINT && now_s() - interrupted_s > kSameRequest_s) {
    std::signal(SIGINT, SIG_DFL);
    ::raise(SIGINT);
  }
  if (signal == SIGINT && received != SIGINT) interrupted_s = now_s();
  if (received == 0 || signal == SIGINT) received = signal;
  if (signal == SIGPIPE) std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

void watch_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE}) {
    const auto before = std::signal(signal, remember);
    if (before == SIG_IGN && signal == SIGHUP) std::signal(signal, SIG_IGN);  // nohup
  }
}

bool stop_requested() { return received != 0; }
int stop_status() { return 128 + received; }

}  // namespace optdnn::app
