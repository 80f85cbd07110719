// What a config says of the solver, and what a network's solves say in its records.
#include "optdnn/config/dump.h"
#include "optdnn/config/read.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/loaders.h"
#include "optdnn/experiment/network.h"
#include "optdnn/experiment/observe.h"
#include "optdnn/experiment/solves.h"
#include "support/catch.h"

using namespace optdnn;

namespace {

experiment::ExperimentSpec read_spec(const std::string& more) {
  const std::string yaml = R"(
dataset: {name: nested_rings, points_per_ring: 8, test_points_per_ring: 8}
module: {name: dense_two_layer, hidden: 4, lipschitz: 0.5}
depth: 2
width: 2
train: {length: {iterations: 3}}
)" + more;
  const auto text = std::make_shared<const base::SourceText>(base::SourceText{"test.yaml", yaml});
  base::Diagnostics diagnostics;
  const config::Node node = config::read_yaml(text, diagnostics);
  const auto spec = experiment::read_experiment(node, diagnostics);
  INFO(diagnostics.render());
  REQUIRE_FALSE(diagnostics.has_errors());
  return spec;
}

}  // namespace

TEST_CASE("an implicit rule has a solver with every default written out, an explicit one has none") {
  const auto implicit = read_spec("algorithm: pgd\n");
  REQUIRE(implicit.solver.has_value());
  const config::Node resolved = experiment::resolved(implicit);
  const auto* solver = resolved.find("solver");
  REQUIRE(solver != nullptr);
  REQUIRE(solver->find("name")->text() == "anderson");
  REQUIRE(solver->find("gradient")->find("name")->text() == "exact");
  const auto picard = read_spec("algorithm: pgd\nsolver: {name: picard, gradient: phantom}\n");
  REQUIRE(std::holds_alternative<solvers::PicardSpec>(*picard.solver));
  REQUIRE_FALSE(read_spec("algorithm: apg2\nsolver: {name: picard}\n").solver.has_value());
}

TEST_CASE("a record holds what the solves since the last one took, and what is measured at the test set") {
  const auto spec = read_spec("algorithm: fista\n");
  const auto shape = experiment::network_shape(data::dataset_shape(spec.dataset));
  const models::Network network = experiment::make_network(spec, shape, 0);
  const auto dataset = data::make_dataset(spec.dataset, "", "cpu");
  const experiment::Loaders loaders = experiment::make_loaders(*dataset, spec, {0}, 0);
  const auto observers = experiment::observe_solver(network, loaders.test, spec.train, torch::kCPU);
  REQUIRE(observers.size() == 1);
  models::Network net = network;
  net.forward(torch::randn({5, 2})).sum().backward();
  const auto record_at = [&](int64_t iteration) {
    metrics::Record record(iteration, 0, 0);
    observers[0].observe(0, record);
    std::map<std::string, double> numbers;
    for (const auto& [name, value] : record.entries()) {
      if (const double* number = std::get_if<double>(&value)) numbers[name] = *number;
    }
    return numbers;
  };
  auto numbers = record_at(1);
  REQUIRE(numbers.at("solver/steps") >= 1);
  REQUIRE(numbers.at("solver/residual") <= 1e-3);
  REQUIRE(numbers.at("solver/failed") == 0);
  REQUIRE(numbers.at("solver/residual_after/1") > numbers.at("solver/residual"));
  REQUIRE(numbers.at("solver/spectral_radius") > 0);
  REQUIRE(numbers.at("solver/spectral_radius") < 0.5);
  REQUIRE(numbers.at("solver/cosine/phantom") > 0.5);
  REQUIRE(record_at(2).at("solver/steps") == 0);  // nothing was solved since
}

TEST_CASE("the solves of a row are reported by stage, of an explicit row not at all") {
  const auto report = experiment::report_solves(read_spec("algorithm: admm\n"));
  REQUIRE(report->contraction_factor == Approx(0.5));
  REQUIRE(report->spectral_radius.size() == 1);
  REQUIRE(report->spectral_radius[0] > 0);
  REQUIRE(report->spectral_radius[0] < 0.5);
  REQUIRE_FALSE(experiment::report_solves(read_spec("algorithm: apg2\n")).has_value());
}
