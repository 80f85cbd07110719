// A network from a rule and a spec, and thirty iterations of LibTorch's own optimizer on one made-up batch.
#include <iostream>

#include "optdnn/algorithms/catalogue.h"
#include "optdnn/base/random.h"
#include "optdnn/models/opt_net.h"

using namespace optdnn;

int main() {
  base::Diagnostics diagnostics;
  const auto rule = algorithms::make_rule(algorithms::catalogue_spec("apg2", {}, diagnostics), diagnostics);
  diagnostics.throw_if_errors();

  models::OptNetSpec spec;
  spec.modules = {modules::ConvPreactSpec{}};  // one for each family of the rule
  spec.depth = {2, 2};                         // steps in each stage
  spec.width = {8, 16};                        // channels of the state

  base::seed_torch(0);
  models::OptNet network(*rule, spec, models::NetworkShape{{3, 16, 16}, 10});
  const torch::Tensor images_BCHW = torch::randn({32, 3, 16, 16});
  const torch::Tensor labels_B = torch::randint(10, {32}, torch::kLong);

  torch::optim::SGD optimizer(network->parameters(), torch::optim::SGDOptions(0.1).momentum(0.9));
  for (int iteration = 0; iteration < 30; ++iteration) {
    optimizer.zero_grad();
    const torch::Tensor loss = torch::cross_entropy_loss(network->forward(images_BCHW), labels_B);
    loss.backward();
    optimizer.step();
    if (iteration % 10 == 9) std::cout << "iteration " << iteration + 1 << "  loss " << loss.item<float>() << "\n";
  }
}
