// How much memory this process may still take.
#pragma once

#include <optional>

namespace optdnn::experiment {

// Units: MiB. What the machine has left, or the cgroup of this process, if that is less; unknown elsewhere than on
// Linux.
std::optional<double> free_memory_mib();

// Errors: EnvironmentError if the weights of a network with so many parameters, in float32, are more than that.
void check_weights_fit(double parameters);

}  // namespace optdnn::experiment
