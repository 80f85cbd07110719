#include "optdnn/experiment/fit.h"

#include "optdnn/baselines/contraction.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/loss.h"

namespace optdnn::experiment {

namespace {

class FitChecker {
 public:
  FitChecker(const Row& row, base::Diagnostics& diagnostics) : row_(row), spec_(row.spec), diagnostics_(diagnostics) {}

  void check() {
    data::DataShape shape;
    const bool sizes_fit = at("dataset", [&] {
      shape = data::dataset_shape(spec_.dataset);
      data::batch_size(spec_.dataset);
    });
    if (!sizes_fit) return;
    if (spec_.loss) at("loss", [&] { training::check_loss(*spec_.loss, shape); });
    const models::NetworkShape network = network_shape(shape);
    if (spec_.model) {
      at("model", [&] { baselines::check_baseline(*spec_.model, network); });
    } else {
      check_opt_net(network);
    }
  }

 private:
  // Runs `part`; what it throws stands at `key`, or at the row where the text does not give that key.
  template <class Part>
  bool at(std::string_view key, Part part) {
    try {
      part();
      return true;
    } catch (const base::ConfigError& error) {
      diagnostics_.error(row_.config.span_of(key), error.what(), error.hint());
      return false;
    }
  }

  void check_opt_net(const models::NetworkShape& shape) {
    const algorithms::Rule rule = *rule_of(spec_);
    models::check_opt_net(rule, opt_net_spec(spec_, rule), shape, [&](std::string_view key, const auto& check) {
      at(key == "modules" && spec_.module ? "module" : key, check);
    });
    if (diagnostics_.errors() == 0) check_contraction(rule);
  }

  void check_contraction(const algorithms::Rule& rule) {
    const int steps = models::longest_run(spec_.depth.values, models::state_across(spec_.transition));
    const auto factor = baselines::contraction_factor(rule, modules_of(spec_, rule), steps);
    if (factor && *factor < 1.0) return;
    const std::string bounds = factor ? base::concat("their bounds allow a factor of ", base::number_text(*factor))
                                      : "they have no bound on their Lipschitz constant";
    diagnostics_.warning(row_.config.span_of(spec_.module ? "module" : "modules"),
                         base::concat("the modules that rule '", rule.name(),
                                      "' solves for may not make its solve a contraction: ", bounds),
                         "module implicit_conv or dense_two_layer, with a lipschitz below 1");
  }

  const Row& row_;
  const ExperimentSpec& spec_;
  base::Diagnostics& diagnostics_;
};

}  // namespace

void check_fit(const Row& row, base::Diagnostics& diagnostics) { FitChecker(row, diagnostics).check(); }

}  // namespace optdnn::experiment
