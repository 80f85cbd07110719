// Every kind of network there is, trained on the make-believe device. In double precision it ends where the CPU ends,
// in each number type near there; an iteration asks for what the one before has asked for, on the same memory, and
// never waits. What it asks for, and what cannot be recorded, is golden (golden/mock/nets.txt).
#include "algorithms/golden.h"
#include "optdnn/base/text_table.h"
#include "optdnn/experiment/table.h"
#include "support/asked.h"
#include "support/kernel_checks.h"
#include "support/mock_graph.h"

using namespace optdnn;
using namespace optdnn::tests;
using experiment::ExperimentSpec;

namespace {

constexpr int kIterations = 6;  // three real ones, which a recording wants, and three more

// Small, and without dropout, whose draws are not the CPU's.
void shrink(ExperimentSpec& spec) {
  if (auto* images = std::get_if<data::GeneratedImagesSpec>(&spec.dataset)) {
    images->size_px = 16;
    images->train_images = 4 * kIterations * spec.train.accumulate;
    images->test_images = 4;
    images->batch_size = 4;
  } else if (auto* rings = std::get_if<data::NestedRingsSpec>(&spec.dataset)) {
    rings->points_per_ring = 4;
    rings->test_points_per_ring = 4;
    rings->iterations_per_epoch = kIterations * spec.train.accumulate;
  }
  if (!spec.model) return;
  if (auto* wrn = std::get_if<baselines::WrnSpec>(&*spec.model)) wrn->dropout = 0;
  if (auto* mdeq = std::get_if<baselines::MdeqSpec>(&*spec.model)) mdeq->dropout = 0;
}

// By id. At a rate at which a rounding does not become another training.
std::vector<std::pair<std::string, ExperimentSpec>> all_nets() {
  std::vector<std::pair<std::string, ExperimentSpec>> nets;
  for (const char* file : {"configs/smoke.yaml", "tests/mock/nets.yaml"}) {
    base::Diagnostics diagnostics;
    auto table = experiment::read_table(std::filesystem::path(OPTDNN_SOURCE_DIR) / file,
                                        {"optimizer.learning_rate=0.001", "train.length.epochs=1"}, diagnostics);
    experiment::match_rows(table, diagnostics);
    INFO(diagnostics.render());
    REQUIRE_FALSE(diagnostics.has_errors());
    for (const experiment::Row& row : table.rows) nets.emplace_back(row.id, row.spec);
  }
  return nets;
}

// With each iteration compared with the one that was recorded; nothing where they differ, which has been said.
std::optional<Trained> train_comparing(const ExperimentSpec& spec, const Accelerator& device) {
  try {
    return train(spec, {device.device, [] { return std::make_unique<ComparingGraph>(); }});
  } catch (const c10::Error& error) {
    FAIL_CHECK(error.what_without_backtrace());
    return std::nullopt;
  }
}

// What the training has made of the weights, as one vector.
torch::Tensor change(const Trained& before, const Trained& after) {
  std::vector<torch::Tensor> parts;
  const auto was = training::named_weights(*before.network.module.ptr());
  for (const auto& [name, tensor] : training::named_weights(*after.network.module.ptr())) {
    if (!tensor.is_floating_point()) continue;
    parts.push_back((tensor.cpu().to(torch::kFloat64) - was.at(name).to(torch::kFloat64)).flatten());
  }
  return torch::cat(parts);
}

ExperimentSpec with(ExperimentSpec spec, training::Precision precision) {
  spec.train.precision = precision;
  return spec;
}

}  // namespace

TEST_CASE("every kind of network trains on a GPU as on the CPU, asks for the same in each iteration, and never waits") {
  const auto device = accelerator();
  if (!device) return;
  base::TextTable table({"net", "float32", "bfloat16", "by operators", "iteration"});
  for (auto& [id, spec] : all_nets()) {
    CAPTURE(id);
    shrink(spec);
    const ExperimentSpec in_double = with(spec, training::Precision::float64);
    const Trained begun = train(in_double, {torch::kCPU, {}}, {.stop_after = 0}), cpu = train_on_cpu(in_double);
    const torch::Tensor wanted = change(begun, cpu);
    std::string iteration;
    // In float16 the first updates are skipped where the loss is scaled too much.
    for (const auto& [precision, most] : {std::pair(training::Precision::float64, 1e-6),
                                          {training::Precision::float32, 0.01},
                                          {training::Precision::bfloat16, 0.15},
                                          {training::Precision::float16, 0.7}}) {
      CAPTURE(static_cast<int>(precision));
      if (precision == training::Precision::float16 && spec.seeds.size() > 1) continue;  // they train one by one
      const auto other = train_comparing(with(spec, precision), *device);
      if (!other) continue;
      const double off = ((change(begun, *other) - wanted).norm() / wanted.norm()).item<double>();
      CHECK(ErrorTable::global().note("Networks", id,
                                      training::product_type(precision).value_or(training::storage_type(precision)),
                                      off) < most);
      CHECK(other->result().last.loss == Approx(cpu.result().last.loss).margin(0.1));
      if (iteration.empty()) iteration = other->result().iteration;
      CHECK(other->result().iteration == iteration);
      CHECK((iteration != "captured" || other->result().replays >= kIterations - 3));
      CHECK(largest_difference(*other, train(with(spec, precision), *device)) < 1e-9);  // replayed
    }
    std::vector<std::string> cells = {id};
    for (const auto& [precision, by_kernels] : {std::pair(training::Precision::float32, true),
                                                {training::Precision::bfloat16, true},
                                                {training::Precision::bfloat16, false}}) {
      const auto without = by_kernels ? nullptr : std::make_unique<WithoutKernels>();
      const Asked asked = asked_in_an_iteration(with(spec, precision), *device);
      CAPTURE(asked.most, asked.waits);
      if (iteration == "captured") CHECK(asked.waits.empty());
      // How many steps a solve takes is a matter of rounding.
      cells.push_back(iteration.find("residuals") == iteration.npos ? std::to_string(asked.operators) : "-");
    }
    cells.push_back(iteration);
    table.add(cells);
  }
  algorithms::check_golden(std::filesystem::path(OPTDNN_SOURCE_DIR) / "tests/golden/mock/nets.txt", table.text());
}
