// `include: base.yaml` at the top of a config: one other file, named relative to this one, whose keys this one
// overrides. The other file may include a further one; a circle is refused.
#pragma once

#include "optdnn/base/diagnostics.h"
#include "optdnn/config/merge.h"

namespace optdnn::config {

// `file`, a map, merged over what it includes, without the key `include`.
Node with_include(const Node& file, const Displaced& displaced, base::Diagnostics& diagnostics);

}  // namespace optdnn::config
