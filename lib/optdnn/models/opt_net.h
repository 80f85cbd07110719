// OptNet: a forward pass is the run of a first-order algorithm, a program per stage (execution/program.h).
//
//   s = start(stem(input));  per step: y = C s + D u, u_i = T_i(y_i), s = A s + B u;  head(output(s))
//
// Between stages of different resolution the rule restarts at the down-sampled output, or its whole state is carried
// over. In the DenseNet setting (transition `dense`) a stage hands on its input and all its outputs side by side.
#pragma once

#include <functional>

#include "optdnn/models/ends.h"
#include "optdnn/models/stage.h"

namespace optdnn::models {

struct OptNetSpec {
  std::vector<modules::ModuleSpec> modules;  // one per family of the rule
  std::vector<int64_t> depth, width;         // one entry per stage
  std::optional<StemSpec> stem;
  TransitionSpec transition = ConvTransition{};
  std::optional<HeadSpec> head;
  double init_scale = 1.0;
  solvers::SolverSpec solver = solvers::AndersonSpec{};  // of an implicit rule
  bool recompute = false;                                // modules run again in the backward pass
};

// Steps of a run of the rule, the longest of them: carried over the stages are one run, else each has its own.
int longest_run(const std::vector<int64_t>& depths, StateAcross across);

// Errors: ConfigError naming the rule if no state starts at the input, or if in one of so many steps modules that must
// be fresh for each pair are shared, or a module that is solved for couples the samples of a batch or draws at random.
void check_rule(const algorithms::Rule& rule, const std::vector<modules::ModuleSpec>& modules, int steps);

// Of a stage's input, and of what it hands on; they differ from its width in the DenseNet setting.
struct StageChannels {
  int64_t input, handed_on;
  int64_t parts = 1;  // of what is handed on, where all have one width
};
// One per stage. Requires as many depths as widths.
std::vector<StageChannels> stage_channels(const OptNetSpec& spec);

// One per stage: carried over, they are parts of one run; else each stage begins anew. Errors: make_programs'.
std::vector<execution::Program> stage_programs(const algorithms::Rule& rule, const std::vector<int>& depth,
                                               StateAcross across, execution::Outputs outputs);

// Everything that the network's constructor may refuse, for the price of a stem and a head. Errors: ConfigError.
void check_opt_net(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape);
// The same check by check: `run` gets each with the YAML key that it is about.
using RunCheck = std::function<void(std::string_view key, const std::function<void()>& check)>;
void check_opt_net(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape,
                   const RunCheck& run);

class OptNetImpl : public torch::nn::Module {
 public:
  // Errors: ConfigError if spec, rule and shape do not fit together.
  OptNetImpl(const algorithms::Rule& rule, const OptNetSpec& spec, const NetworkShape& shape);

  // Shapes: B x (input) -> B x outputs.
  torch::Tensor forward(const torch::Tensor& inputs);
  // The rule's output before the first step and after each one, where the network has it. Shapes: B x width x (image).
  std::vector<torch::Tensor> path(const torch::Tensor& inputs);
  // The same by stage; the first list begins with the rule's output before the first step.
  std::vector<std::vector<torch::Tensor>> stage_paths(const torch::Tensor& inputs);

  const std::vector<std::shared_ptr<Stage>>& stages() const { return stages_; }
  // Whether channels of zeros beside all of the network's own change nothing, as in modules::Traits.
  bool takes_padding() const { return takes_padding_; }
  // Every stage runs by the executor of this name from now on. Errors: ConfigError where one declines.
  void force_executor(std::string_view name);

 private:
  // What the last stage hands on. `run` gives what stage i does: its outputs, or where the run is carried over what the
  // next stage reads.
  using RunStage = std::function<std::vector<torch::Tensor>(size_t i, std::vector<torch::Tensor> inputs)>;
  torch::Tensor run(const torch::Tensor& inputs, const RunStage& run);

  algorithms::Rule rule_;
  std::vector<int> depth_;
  StateAcross across_;
  bool dense_, takes_padding_;
  std::shared_ptr<End> stem_, head_;
  std::vector<std::shared_ptr<Stage>> stages_;
  std::vector<std::shared_ptr<End>> transitions_;
};
TORCH_MODULE(OptNet);

}  // namespace optdnn::models
