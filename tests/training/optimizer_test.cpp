// The fused optimizers beside torch::optim and beside their formulas written out.
#include "optdnn/training/optimizer.h"

#include "optdnn/base/random.h"
#include "support/catch.h"

namespace optdnn::training {
namespace {

using torch::Tensor;

NamedParameters make_parameters() {
  base::seed_torch(3);
  NamedParameters parameters;
  for (const auto& shape : std::vector<std::vector<int64_t>>{{4, 3, 3, 3}, {4}, {5, 7}, {}}) {
    parameters.emplace_back("p" + std::to_string(parameters.size()),
                            torch::randn(shape, torch::kFloat64).requires_grad_());
  }
  parameters[0].second.set_data(parameters[0].second.contiguous(torch::MemoryFormat::ChannelsLast));
  return parameters;
}

std::vector<Tensor> tensors_of(const NamedParameters& parameters) {
  std::vector<Tensor> tensors;
  for (const auto& item : parameters) tensors.push_back(item.second);
  return tensors;
}

// A loss whose gradients change with the weights.
void compute_gradients(const NamedParameters& parameters) {
  Tensor loss = torch::zeros({}, torch::kFloat64);
  for (const auto& item : parameters) {
    item.second.mutable_grad().reset();
    loss = loss + (item.second.sin() * item.second).sum();
  }
  loss.backward();
}

double distance(const NamedParameters& a, const NamedParameters& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, (a[i].second - b[i].second).abs().max().item<double>());
  return largest;
}

struct Twin {
  std::string name;
  OptimizerSpec spec;
  std::function<std::unique_ptr<torch::optim::Optimizer>(std::vector<Tensor>)> make;
};

std::vector<Twin> twins() {
  SgdSpec plain, momentum, nesterov;
  plain.weight_decay = momentum.weight_decay = nesterov.weight_decay = 0.01;
  momentum.momentum = nesterov.momentum = 0.9;
  nesterov.nesterov = true;
  AdamSpec adam;
  AdamwSpec adamw;
  adam.weight_decay = adamw.weight_decay = 0.02;
  const auto sgd = [](double m, bool n) {
    return [=](std::vector<Tensor> p) -> std::unique_ptr<torch::optim::Optimizer> {
      return std::make_unique<torch::optim::SGD>(
          p, torch::optim::SGDOptions(0.1).momentum(m).nesterov(n).weight_decay(0.01));
    };
  };
  return {{"sgd", plain, sgd(0, false)},
          {"momentum", momentum, sgd(0.9, false)},
          {"nesterov", nesterov, sgd(0.9, true)},
          {"adam", adam,
           [](auto p) {
             return std::make_unique<torch::optim::Adam>(p, torch::optim::AdamOptions(0.001).weight_decay(0.02));
           }},
          {"adamw", adamw, [](auto p) {
             return std::make_unique<torch::optim::AdamW>(p, torch::optim::AdamWOptions(0.001).weight_decay(0.02));
           }}};
}

}  // namespace

TEST_CASE("ten steps of every optimizer equal those of torch::optim") {
  for (const Twin& twin : twins()) {
    CAPTURE(twin.name);
    const NamedParameters ours = make_parameters(), theirs = make_parameters();
    const auto optimizer = make_optimizer(twin.spec, ours);
    const auto reference = twin.make(tensors_of(theirs));
    for (int i = 0; i < 10; ++i) {
      compute_gradients(ours);
      compute_gradients(theirs);
      optimizer->step(peak_learning_rate(twin.spec));
      reference->step();
    }
    REQUIRE(distance(ours, make_parameters()) > 1e-3);
    REQUIRE(distance(ours, theirs) < 1e-12);
  }
}

TEST_CASE("Nesterov's momentum is its formula, for a learning rate that changes") {
  SgdSpec spec;
  spec.momentum = 0.8;
  spec.nesterov = true;
  spec.weight_decay = 0.1;
  spec.decay_on = DecayOn::weights;
  const NamedParameters ours = make_parameters(), naive = make_parameters();
  const auto optimizer = make_optimizer(spec, ours);
  std::vector<Tensor> velocity(naive.size());
  for (const double learning_rate : {0.5, 0.1, 0.3}) {
    compute_gradients(ours);
    compute_gradients(naive);
    optimizer->step(learning_rate);
    const torch::NoGradGuard no_grad;
    for (size_t i = 0; i < naive.size(); ++i) {
      Tensor w = naive[i].second;
      const Tensor g = w.dim() >= 2 ? w.grad() + 0.1 * w : w.grad();
      velocity[i] = velocity[i].defined() ? 0.8 * velocity[i] + g : g;
      w -= learning_rate * (g + 0.8 * velocity[i]);
    }
  }
  REQUIRE(distance(ours, naive) < 1e-12);
}

TEST_CASE("weight decay pulls a rule's coefficients only where it is told to pull everything") {
  const std::vector<std::string> names = {"stage_0.T.0.layer1.weight", "stage_0.T.0.layer1.bias",
                                          "stage_0.coefficients.gamma", "stage_0.coefficients.matrix"};
  NamedParameters parameters;
  for (const std::string& name : names) {
    const bool flat = name.ends_with("bias") || name.ends_with("gamma");
    parameters.emplace_back(name,
                            torch::ones(flat ? std::vector<int64_t>{2} : std::vector<int64_t>{2, 2}).requires_grad_());
  }
  const auto decayed = [&](DecayOn decay_on) {
    std::vector<bool> pulled;
    SgdSpec spec;
    spec.weight_decay = 0.5;
    spec.decay_on = decay_on;
    for (auto& item : parameters) {
      torch::NoGradGuard no_grad;
      item.second.fill_(1.0);
      item.second.mutable_grad() = torch::zeros_like(item.second);
    }
    make_optimizer(spec, parameters)->step(0.1);
    for (const auto& item : parameters) pulled.push_back(item.second.flatten()[0].item<double>() < 1.0);
    return pulled;
  };
  REQUIRE(decayed(DecayOn::all) == std::vector<bool>{true, true, true, true});
  REQUIRE(decayed(DecayOn::all_but_coefficients) == std::vector<bool>{true, true, false, false});
  REQUIRE(decayed(DecayOn::weights) == std::vector<bool>{true, false, false, false});
  REQUIRE(SgdSpec{}.decay_on == DecayOn::all_but_coefficients);
  REQUIRE(AdamwSpec{}.decay_on == DecayOn::all_but_coefficients);
}

TEST_CASE("dividing gradients in the step equals dividing them before") {
  for (const Twin& twin : twins()) {
    CAPTURE(twin.name);
    const NamedParameters inside = make_parameters(), before = make_parameters();
    const auto a = make_optimizer(twin.spec, inside), b = make_optimizer(twin.spec, before);
    for (int i = 0; i < 3; ++i) {
      compute_gradients(inside);
      compute_gradients(before);
      for (const auto& item : before) item.second.mutable_grad().div_(4);
      a->step(0.01, {torch::tensor(4.0f), {}});
      b->step(0.01);
    }
    REQUIRE(distance(inside, before) < 1e-12);
  }
}

TEST_CASE("a skipped step changes neither weights nor state") {
  for (const Twin& twin : twins()) {
    CAPTURE(twin.name);
    const NamedParameters parameters = make_parameters();
    const auto optimizer = make_optimizer(twin.spec, parameters);
    compute_gradients(parameters);
    optimizer->step(0.01, {{}, torch::tensor(0.0f)});
    NamedParameters copies;
    for (const auto& [name, tensor] : parameters) copies.emplace_back(name, tensor.detach().clone());
    TensorMap state;
    for (const auto& [name, tensor] : optimizer->state()) state[name] = tensor.clone();
    for (const auto& item : parameters) item.second.mutable_grad().fill_(std::numeric_limits<double>::quiet_NaN());
    optimizer->step(0.01, {{}, torch::tensor(1.0f)});
    REQUIRE(distance(parameters, copies) == 0);
    for (const auto& [name, tensor] : optimizer->state()) REQUIRE(torch::equal(tensor, state.at(name)));
  }
}

TEST_CASE("a parameter without a gradient stays, decay or not") {
  for (const Twin& twin : twins()) {
    const NamedParameters parameters = make_parameters();
    const auto optimizer = make_optimizer(twin.spec, parameters);
    compute_gradients(parameters);
    parameters[2].second.mutable_grad().reset();
    optimizer->step(0.01);
    REQUIRE(torch::equal(parameters[2].second, make_parameters()[2].second));
    REQUIRE(!torch::equal(parameters[0].second, make_parameters()[0].second));
  }
}

TEST_CASE("state names every moment of every parameter") {
  const auto names = [](const OptimizerSpec& spec) {
    std::vector<std::string> result;
    for (const auto& item : make_optimizer(spec, make_parameters())->state()) result.push_back(item.first);
    return result;
  };
  REQUIRE(names(SgdSpec{}).empty());
  REQUIRE(names(twins()[1].spec) ==
          std::vector<std::string>{"momentum/p0", "momentum/p1", "momentum/p2", "momentum/p3"});
  REQUIRE(names(AdamSpec{}).size() == 9);
}

}  // namespace optdnn::training
