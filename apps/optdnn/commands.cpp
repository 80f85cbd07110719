// The table of commands.

#include "command.h"

namespace optdnn::app {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"train", "train every row and seed of the configs, or continue what is there", add_train},
      {"eval", "evaluate the weights of finished or stopped runs, class by class where asked", add_eval},
      {"predict", "what a run's network says of samples, one by one, and its features", add_predict},
      {"runs", "what is running, stopped, dead, finished or failed; differences of two runs; what can be cleaned up",
       add_runs},
      {"check", "everything but training: read, build, one batch forward and backward, memory and time", add_check},
      {"show", "the resolved config, with the origin of each value", add_show},
      {"list", "what there is: algorithms, modules, datasets, optimizers, ..., keys", add_list},
      {"certify", "a rule's tableau, and whether its networks approach a flow and are universal approximators",
       add_certify},
      {"converge",
       "a study of rules: their runs over fixed vector fields beside the exact flow, and their certificates",
       add_converge},
      {"info", "parameters, multiply-adds and activation memory of every row", add_info},
      {"bench", "seconds of an iteration of every row, in the real training loop", add_bench},
      {"fetch", "get a data set", add_fetch},
      {"export", "a run's network for other programs: safetensors, a torch module in Python, ONNX", add_export},
      {"report", "tables and figures of runs: a page to read, sort and print; CSV, LaTeX", add_report},
      {"demo", "three rules on nested rings, trained in seconds, and their report", add_demo},
      {"init", "write a config to begin with: rings, cifar10, images or table", add_init},
      {"completion", "what completes commands and options in bash, zsh or fish", add_completion},
  };
  return table;
}

}  // namespace optdnn::app
