#include "signals.h"

#include <csignal>
#include <initializer_list>

namespace optdnn::app {

namespace {

volatile std::sig_atomic_t received = 0;

// The reader of our output may be gone for good: what is still written to it then fails and is left at that.
void remember(int signal) {
  received = signal;
  std::signal(signal, signal == SIGPIPE ? SIG_IGN : SIG_DFL);
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
