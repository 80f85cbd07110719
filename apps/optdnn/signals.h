// SIGINT, SIGTERM, SIGHUP (unless nohup has it ignored), SIGUSR1 and a closed pipe ask a run to save and stop. A second
// SIGINT, two seconds later, ends the program at once.
#pragma once

namespace optdnn::app {

void watch_signals();
bool stop_requested();
int stop_status();  // 128 + the signal that came

}  // namespace optdnn::app
