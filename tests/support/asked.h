// What an iteration asks of the make-believe device.
#pragma once

#include <algorithm>

#include "support/mock_device.h"
#include "support/on_device.h"

namespace optdnn::tests {

struct Asked {
  int64_t operators = 0;
  std::vector<std::string> waits;
  std::string most;  // the operators there are most of
};

// Of the fourth iteration, eager.
inline Asked asked_in_an_iteration(const experiment::ExperimentSpec& spec, const Accelerator& device) {
  Asked asked;
  std::optional<MockWatch> watch;
  int64_t iteration = 0;
  train(spec, device, {.stop_after = 4, .why_eager = "counted", .before_iteration = [&] {
                         if (++iteration == 4) watch.emplace();
                         if (iteration != 5) return;
                         asked.operators = std::ssize(watch->calls());
                         asked.waits = watch->waits();
                         std::vector<std::pair<int64_t, std::string>> sorted;
                         for (const auto& [name, times] : watch->operators()) sorted.emplace_back(-times, name);
                         std::sort(sorted.begin(), sorted.end());
                         for (const auto& [times, name] : sorted) asked.most += c10::str(name, " ", -times, ", ");
                         watch.reset();
                       }});
  REQUIRE(iteration >= 5);
  return asked;
}

}  // namespace optdnn::tests
