// A network as data, for programs that build it again (scripts/export): the metadata `network` of exported weights.
//   {"config": the run's resolved config, "input": [3, 32, 32], "outputs": 10,
//    "rule": {"name", "equations", "families": ["T"], "output": "x", "start": {"x[k]": 1, "x[k-1]": 1},
//             "coefficients": {"delta": {"learn": "no", "value": 1}, "b": {"learn": "no", "values": [[[0], 0.0], ...]},
//                              "gamma": {"learn": "per_step", "range": [0, 3]}}},
//    "stages": [{"first": 0, "steps": 3, "input": 16, "width": 16, "handed_on": 16,
//                "coefficients": {"gamma": [[0], [1], [2]]}, "values": {"gamma": [1.4, 1.5, 1.6]}}]}
// A baseline has no rule and no stages. Slots of a coefficient are in the order of its parameter.
#pragma once

#include <nlohmann/json.hpp>

#include "optdnn/experiment/network.h"

namespace optdnn::experiment {

nlohmann::ordered_json describe_network(const ExperimentSpec& spec, const models::NetworkShape& shape,
                                        const models::Network& network);

}  // namespace optdnn::experiment
