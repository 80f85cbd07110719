#include "signals.h"

#include <csignal>

namespace optdnn::app {

namespace {

volatile std::sig_atomic_t received = 0;

void remember(int signal) {
  received = signal;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void watch_signals() {
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
}

bool stop_requested() { return received != 0; }
int stop_status() { return 128 + received; }

}  // namespace optdnn::app
