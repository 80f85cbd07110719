// From a spec to the network it names.
#pragma once

#include <set>

#include "optdnn/baselines/catalogue.h"
#include "optdnn/data/dataset.h"
#include "optdnn/experiment/spec.h"

namespace optdnn::experiment {

models::NetworkShape network_shape(const data::DataShape& shape);
models::NetworkShape network_shape(const ExperimentSpec& spec);

// The rule of a spec that has been read without errors, as it was made then; null for a baseline. Of a spec that was
// not read it is made here.
std::shared_ptr<const algorithms::Rule> rule_of(const ExperimentSpec& spec);

// One module per family of the rule, in its order.
std::vector<modules::ModuleSpec> modules_of(const ExperimentSpec& spec, const algorithms::Rule& rule);

models::OptNetSpec opt_net_spec(const ExperimentSpec& spec, const algorithms::Rule& rule);

// Errors: ConfigError if the network cannot be built.
void check_network(const ExperimentSpec& spec);

// What the network costs, without building it. Requires a spec whose parts fit together.
modules::Count count_network(const ExperimentSpec& spec);

// Weights are drawn from LibTorch's generator, seeded here, on the CPU: equal for every device.
// Errors: ConfigError if the parts do not fit together, EnvironmentError if the weights are larger than what is left of
// the memory.
models::Network make_network(const ExperimentSpec& spec, const models::NetworkShape& shape, uint64_t seed);

// The networks of several seeds as one, each initialised as it would be alone, from the file of init.from where one is
// named. Errors: EnvironmentError if that file does not fit. Requires one seed, or trains_as_one(spec).
models::Network make_stacked_network(const ExperimentSpec& spec, const models::NetworkShape& shape,
                                     const std::vector<uint64_t>& seeds);

// The same of several trials, whose specs differ in initial scale and coefficients. `constants`: coefficients that are
// the same for all steps, do not learn and may differ from trial to trial.
models::Network make_stacked_network(std::vector<ExperimentSpec> specs, const models::NetworkShape& shape,
                                     const std::vector<uint64_t>& seeds, const std::set<std::string>& constants);

// Whether the seeds of an experiment can train as one network: vectors alone, whose layers know runs.
bool trains_as_one(const ExperimentSpec& spec, const models::NetworkShape& shape);

}  // namespace optdnn::experiment
