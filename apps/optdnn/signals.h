// SIGINT and SIGTERM ask a run to save and stop; a second one ends the program at once.
#pragma once

namespace optdnn::app {

void watch_signals();
bool stop_requested();
int stop_status();  // 130 or 143, of the signal that came

}  // namespace optdnn::app
