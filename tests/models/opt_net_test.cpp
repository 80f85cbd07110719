// OptNet against straight-line witnesses, and against the tableau run naively.
#include "optdnn/models/opt_net.h"

#include "models/rules.h"
#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"

using namespace optdnn;
using models::OptNet;
using models::OptNetSpec;
using torch::Tensor;

namespace {

const models::NetworkShape kImages{{3, 16, 16}, 10};
const models::NetworkShape kNetVectors{{3}, 2};

OptNetSpec image_spec(std::vector<int64_t> depth, std::vector<int64_t> width, size_t families = 1) {
  OptNetSpec spec;
  spec.modules.assign(families, modules::ConvPreactSpec{});
  spec.depth = std::move(depth);
  spec.width = std::move(width);
  return spec;
}

OptNetSpec vector_spec(int64_t depth, size_t families = 1) {
  OptNetSpec spec;
  spec.modules.assign(families, modules::DenseTwoLayerSpec{});
  spec.depth = {depth};
  spec.width = {3};
  return spec;
}

// A pre-activation ResNet written as a person would, reading its weights from the OptNet's by name.
struct StraightResNet {
  std::map<std::string, Tensor> w;
  bool training;

  Tensor norm_relu(const Tensor& x, const std::string& name) {
    return torch::relu(torch::batch_norm(x, w.at(name + ".weight"), w.at(name + ".bias"),
                                         w.at(name + ".running_mean")[0], w.at(name + ".running_var")[0], training, 0.1,
                                         1e-5, true));
  }
  Tensor forward(Tensor x, const std::vector<int64_t>& depth) {
    x = torch::conv2d(x, w.at("stem.conv.weight"), {}, 1, 1);
    for (size_t stage = 0; stage < depth.size(); ++stage) {
      const std::string at = "stage_" + std::to_string(stage);
      if (stage > 0) x = torch::conv2d(x, w.at("transition_" + std::to_string(stage) + ".conv.weight"), {}, 2);
      for (int64_t k = 0; k < depth[stage]; ++k) {
        const std::string block = at + ".T." + std::to_string(k);
        Tensor y = torch::conv2d(norm_relu(x, block + ".norm1"), w.at(block + ".conv1.weight"), {}, 1, 1);
        y = torch::conv2d(norm_relu(y, block + ".norm2"), w.at(block + ".conv2.weight"), {}, 1, 1);
        x = x + y;
      }
    }
    return torch::linear(norm_relu(x, "head.norm").mean({2, 3}), w.at("head.linear.weight"), w.at("head.linear.bias"));
  }
};

std::map<std::string, Tensor> copies(const torch::nn::Module& module) {
  std::map<std::string, Tensor> tensors;
  for (const auto& p : module.named_parameters()) tensors[p.key()] = p.value().detach().clone().requires_grad_();
  for (const auto& b : module.named_buffers()) tensors[b.key()] = b.value().clone();
  return tensors;
}

std::vector<std::string> explicit_rule_names() {
  std::vector<std::string> names;
  for (const auto& entry : algorithms::catalogue()) {
    if (tests::catalogue_rule(std::string(entry.name)).is_explicit()) names.emplace_back(entry.name);
  }
  return names;
}

// The tableau as it stands, with no state dropped, no zero skipped and no argument used twice.
Tensor naive_run(const algorithms::Rule& rule, models::OptNetImpl& net, const Tensor& input, int depth) {
  const auto stage = net.stages().front();
  const auto families = stage->named_children();
  const algorithms::LeafTable numbers = stage->coefficients().numbers();
  const auto number = [&](const algorithms::Leaf& leaf) { return numbers.at(leaf); };
  const auto row = [](const Eigen::MatrixXd& weights, int i, const std::vector<Tensor>& tensors, const Tensor& like) {
    Tensor sum = torch::zeros_like(like);
    for (int j = 0; j < weights.cols(); ++j) sum = sum + weights(i, j) * tensors[j];
    return sum;
  };
  std::vector<Tensor> state(rule.step(0).states.size(), torch::zeros_like(input));
  for (const auto& term : rule.start()) state[term.column] = term.value.constant() * input;
  for (int k = 0; k < depth; ++k) {
    const auto symbolic = rule.step(k);
    const auto tableau = algorithms::evaluate(symbolic, number);
    std::vector<Tensor> results(symbolic.calls.size(), torch::zeros_like(input));
    for (size_t i = 0; i < symbolic.calls.size(); ++i) {
      const auto& call = symbolic.calls[i];
      std::string name = std::to_string(k);
      if (call.fresh >= 0) name += "_" + std::to_string(call.fresh);
      const auto steps = families[rule.families()[call.family]]->named_children();
      const auto found = steps.find(name);
      if (found == nullptr) continue;  // a call nobody reads
      const int row_index = static_cast<int>(i);
      const Tensor y = row(tableau.C, row_index, state, input) + row(tableau.D, row_index, results, input);
      results[i] = std::dynamic_pointer_cast<modules::Module>(*found)->forward(y, k);
    }
    std::vector<Tensor> next;
    for (int i = 0; i < tableau.A.rows(); ++i)
      next.push_back(row(tableau.A, i, state, input) + row(tableau.B, i, results, input));
    state = next;
  }
  Tensor output = torch::zeros_like(input);
  for (const auto& term : rule.output(depth))
    output = output + term.value.evaluate<double>(number) * state[term.column];
  return output;
}

}  // namespace

TEST_CASE("gradient_descent equals a hand-written pre-activation ResNet bit for bit, gradients included") {
  base::seed_torch(3);
  const OptNetSpec spec = image_spec({2, 3}, {8, 16});
  OptNet net(tests::catalogue_rule("gradient_descent"), spec, kImages);
  const Tensor images = torch::randn({4, 3, 16, 16});
  for (const bool training : {true, false}) {
    net->train(training);
    StraightResNet witness{copies(*net), training};
    const Tensor ours = net->forward(images), theirs = witness.forward(images, spec.depth);
    REQUIRE(torch::equal(ours, theirs));
    net->zero_grad();
    ours.pow(2).sum().backward();
    theirs.pow(2).sum().backward();
    for (const auto& parameter : net->named_parameters()) {
      INFO(parameter.key());
      REQUIRE(torch::equal(parameter->grad(), witness.w.at(parameter.key()).grad()));
    }
  }
}

TEST_CASE("every explicit rule of the catalogue runs as its tableau says, in double precision to 1e-12") {
  for (const std::string& name : explicit_rule_names()) {
    INFO(name);
    base::seed_torch(4);
    const auto rule = tests::catalogue_rule(name);
    const int depth = 6;
    OptNetSpec spec = vector_spec(depth, rule.families().size());
    spec.head = models::ReadStateHead{};
    OptNet net(rule, spec, models::NetworkShape{{3}, 3});
    net->to(torch::kFloat64);
    const Tensor x = torch::randn({5, 3}, torch::kFloat64);
    const Tensor fast = net->forward(x), slow = naive_run(rule, *net, x, depth);
    REQUIRE((fast - slow).abs().max().item<double>() < 1e-12);
  }
}

TEST_CASE("every explicit rule's gradients equal finite differences, learnable coefficients included") {
  for (const std::string& name : explicit_rule_names()) {
    INFO(name);
    base::seed_torch(5);
    const auto rule = tests::catalogue_rule(name);
    OptNet net(rule, vector_spec(4, rule.families().size()), kNetVectors);
    net->to(torch::kFloat64);
    const Tensor x = torch::randn({5, 3}, torch::kFloat64), weights = torch::randn({5, 2}, torch::kFloat64);
    const auto value = [&] { return (net->forward(x) * weights).sum(); };
    value().backward();
    for (auto& parameter : net->named_parameters()) {
      INFO(parameter.key());
      torch::NoGradGuard no_grad;
      const Tensor direction = torch::randn_like(parameter.value());
      const double slope = (parameter->grad() * direction).sum().item<double>(), h = 1e-6;
      parameter->add_(direction, h);
      const double above = value().item<double>();
      parameter->sub_(direction, 2 * h);
      const double below = value().item<double>();
      parameter->add_(direction, h);
      REQUIRE(slope == Approx((above - below) / (2 * h)).epsilon(1e-5).margin(1e-7));
    }
  }
}

TEST_CASE("a learnable coefficient in a range starts at its value and cannot leave the range") {
  algorithms::Coefficient gamma;
  gamma.name = "gamma";
  gamma.value = 1.5;
  gamma.learn = algorithms::Learn::per_step;
  gamma.range = algorithms::Range{0, 3};
  OptNet net(tests::catalogue_rule("apg2", {gamma}), vector_spec(4), kNetVectors);
  const auto& coefficients = net->stages().front()->coefficients();
  for (const auto& [leaf, value] : coefficients.numbers().values()) REQUIRE(value == Approx(1.5));
  torch::NoGradGuard no_grad;
  net->named_parameters()["stage_0.coefficients.gamma"].fill_(1e9);
  for (const auto& [leaf, value] : coefficients.numbers().values()) REQUIRE(value <= 3.0);
  net->named_parameters()["stage_0.coefficients.gamma"].fill_(-1e9);
  for (const auto& [leaf, value] : coefficients.numbers().values()) REQUIRE(value >= 0.0);
}

TEST_CASE("carried over an identity transition, two stages of a rule are one") {
  // Two stages of equal width on vectors, the transition's linear map set to the identity.
  base::seed_torch(6);
  for (const std::string& name : explicit_rule_names()) {
    INFO(name);
    const auto rule = tests::catalogue_rule(name);
    OptNetSpec one = vector_spec(5, rule.families().size());
    OptNetSpec two = one;
    two.depth = {2, 3};
    two.width = {3, 3};
    two.transition = models::ConvTransition{{models::StateAcross::carry}};
    OptNet whole(rule, one, kNetVectors), parts(rule, two, kNetVectors);
    torch::NoGradGuard no_grad;
    parts->named_parameters()["transition_1.linear.weight"].copy_(torch::eye(3));
    auto from = whole->named_parameters();
    for (auto& parameter : parts->named_parameters()) {
      std::string key = parameter.key();
      if (key.starts_with("transition") || key.find("coefficients") != std::string::npos) continue;
      if (key.starts_with("stage_1")) {             // its step k is the whole run's step k + 2
        const size_t digit = key.find('.', 8) + 1;  // after the family
        key = "stage_0" + key.substr(7, digit - 7) + std::to_string(key[digit] - '0' + 2) + key.substr(digit + 1);
      }
      parameter->copy_(from[key]);
    }
    const Tensor x = torch::randn({4, 3});
    REQUIRE(torch::allclose(whole->forward(x), parts->forward(x), 1e-5, 1e-6));
  }
}

TEST_CASE("a shared module has the weights of one step, per step has one set each") {
  OptNetSpec spec = vector_spec(7);
  const auto count = [](const torch::nn::Module& module) {
    int64_t n = 0;
    for (const auto& p : module.parameters()) n += p.numel();
    return n;
  };
  const int64_t head = 3 * 2 + 2, module = 3 * 16 + 16 + 16 * 3 + 3;
  REQUIRE(count(*OptNet(tests::catalogue_rule("nesterov"), spec, kNetVectors)) == head + 7 * module);
  spec.modules[0] = modules::DenseTwoLayerSpec{16, modules::Activation::tanh, modules::Sharing::shared};
  REQUIRE(count(*OptNet(tests::catalogue_rule("nesterov"), spec, kNetVectors)) == head + module);
}

TEST_CASE("what cannot be built is refused with a reason") {
  const auto message = [](auto&& build) -> std::string {
    try {
      build();
    } catch (const base::ConfigError& error) {
      return error.what();
    }
    return "";
  };
  OptNetSpec spec = vector_spec(3);
  const OptNetSpec batch_norm = image_spec({2}, {8});
  REQUIRE(message([&] { OptNet(tests::catalogue_rule("proximal_point"), batch_norm, kImages); }).find("couple") !=
          std::string::npos);
  spec.depth = {1, 2};
  REQUIRE(message([&] { OptNet(tests::catalogue_rule("apg2"), spec, kNetVectors); }).find("2 stages") !=
          std::string::npos);
  spec = vector_spec(3);
  spec.modules[0] = modules::DenseTwoLayerSpec{16, modules::Activation::tanh, modules::Sharing::shared};
  REQUIRE(message([&] { OptNet(tests::catalogue_rule("dense"), spec, kNetVectors); }).find("fresh") !=
          std::string::npos);
  spec = vector_spec(3);
  spec.width = {2};
  spec.stem = models::IdentityStem{};
  REQUIRE(message([&] { OptNet(tests::catalogue_rule("apg2"), spec, kNetVectors); }).find("wants width 3") !=
          std::string::npos);
  spec = vector_spec(300);
  spec.depth = {300, 300};
  spec.width = {3, 3};
  models::ConvTransition carried;
  carried.state = models::StateAcross::carry;
  spec.transition = carried;
  REQUIRE(message([&] { OptNet(tests::catalogue_rule("dense"), spec, kNetVectors); }).find("depth 600") !=
          std::string::npos);
}

TEST_CASE("the check of a network refuses what its constructor refuses, and no more") {
  OptNetSpec spec = vector_spec(3);
  spec.width = {1};
  spec.transition = models::DenseTransition{};
  spec.head = models::ReadStateHead{};
  const auto rule = tests::catalogue_rule("dense");
  REQUIRE_NOTHROW(models::check_opt_net(rule, spec, kNetVectors));  // the head reads all four states
  REQUIRE_NOTHROW(OptNet(rule, spec, kNetVectors));
}

TEST_CASE(
    "a coefficient that starts on the edge of its range is judged and run at the same value, where it can learn") {
  algorithms::Coefficient beta;
  beta.name = "beta";
  beta.value = 1.0;
  beta.learn = algorithms::Learn::shared;
  beta.range = algorithms::Range{0, 1};
  const auto rule = tests::catalogue_rule("heavy_ball", {beta});
  OptNet net(rule, vector_spec(4), kNetVectors);
  const auto numbers = net->stages().front()->coefficients().numbers();
  REQUIRE(numbers.values().size() == 1);
  const auto& [leaf, value] = *numbers.values().begin();
  REQUIRE(value < 1.0);
  REQUIRE(value == Approx(rule.initial_value(leaf)).epsilon(1e-6));
}
