// Runs of earlier versions: what their resolved.yaml meant where it lacks a key that changes numbers today. Such a key
// reads as the way things were done before there was one.
#pragma once

#include <filesystem>

#include "optdnn/base/diagnostics.h"
#include "optdnn/config/node.h"

namespace optdnn::experiment {

// The resolved.yaml of a run's folder, completed by those keys.
config::Node read_resolved(const std::filesystem::path& file, base::Diagnostics& diagnostics);

}  // namespace optdnn::experiment
