// The mean over several runs of what they recorded at the same iteration.
#pragma once

#include "optdnn/metrics/record.h"

namespace optdnn::metrics {

// Numbers and seconds are averaged over the records that have them; texts are left out. Requires a record at least.
Record mean_record(const std::vector<Record>& records);

}  // namespace optdnn::metrics
