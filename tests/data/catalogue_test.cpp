// Every data set of the catalogue: shapes, sizes, labels, and what is refused.
#include "optdnn/data/catalogue.h"

#include "optdnn/base/errors.h"
#include "optdnn/fetch/catalogue.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/made_files.h"

using namespace optdnn;
using namespace optdnn::data;
using namespace optdnn::fetch;
using namespace optdnn::test;
using tests::contains_text;

namespace {

// Every alternative of the variant, as it is by default.
std::vector<DataSetSpec> all_specs() {
  std::vector<DataSetSpec> specs;
  config::for_each_alternative<DataSetSpec>([&](auto spec) { specs.push_back(spec); });
  return specs;
}

}  // namespace

TEST_CASE("the table lists every data set once, in the order of the specs, with help") {
  const auto specs = all_specs();
  REQUIRE(datasets().entries().size() == specs.size());
  for (size_t i = 0; i < specs.size(); ++i) {
    REQUIRE(datasets().entries()[i].name == dataset_name(specs[i]));
    REQUIRE_FALSE(datasets().entries()[i].help.empty());
  }
}

TEST_CASE("every data set keeps what its shape promises, or names the command that gets its files") {
  const TemporaryFolder nothing = scratch("no-data");
  for (const DataSetSpec& spec : all_specs()) {
    INFO(dataset_name(spec));
    const bool is_own = std::holds_alternative<ArraysSpec>(spec) || std::holds_alternative<TableSpec>(spec);
    if (is_own) continue;  // own_data_test.cpp
    const bool has_files = *datasets().find(dataset_name(spec)) != nullptr;
    if (has_files && !std::holds_alternative<FashionMnistSpec>(spec)) {  // that one may be installed
      try {
        make_dataset(spec, nothing.path());
        FAIL("made without files");
      } catch (const base::EnvironmentError& error) {
        REQUIRE_THAT(error.what(), contains_text("is missing"));
        REQUIRE_THAT(error.hint(), contains_text(base::concat("`optdnn fetch ", dataset_name(spec), "`")));
      }
    }
    if (has_files) continue;
    const auto set = make_dataset(spec, nothing.path());
    const DataShape shape = set->shape(), promised = dataset_shape(spec);
    REQUIRE(shape.input == promised.input);
    REQUIRE(shape.outputs == promised.outputs);
    REQUIRE(shape.regression == promised.regression);
    for (const Split split : {Split::train, Split::test}) {
      const std::vector<int64_t> samples{0, 5, 3};
      const Batch batch = set->batch(split, 1, 2, samples);
      std::vector<int64_t> inputs{3};
      inputs.insert(inputs.end(), shape.input.begin(), shape.input.end());
      REQUIRE(batch.inputs.sizes() == inputs);
      REQUIRE(batch.inputs.scalar_type() == torch::kFloat32);
      REQUIRE(torch::isfinite(batch.inputs).all().item<bool>());
      if (shape.regression) {
        REQUIRE(batch.targets.sizes() == torch::IntArrayRef{3, shape.outputs});
      } else {
        REQUIRE(batch.targets.scalar_type() == torch::kInt64);
        REQUIRE(batch.targets.max().item<int64_t>() < shape.outputs);
      }
      // A function of the sample alone: one by one, the same bits.
      for (int64_t i = 0; i < 3; ++i) {
        const Batch one = set->batch(split, 1, 2, {samples[i]});
        REQUIRE(one.inputs[0].equal(batch.inputs[i]));
        REQUIRE(one.targets[0].equal(batch.targets[i]));
      }
    }
    REQUIRE(batch_size(spec) > 0);
    REQUIRE(batch_size(spec) <= set->size(Split::train));
  }
}

TEST_CASE("generated images can be told apart by class") {
  GeneratedImagesSpec spec;
  spec.classes = 3;
  spec.size_px = 8;
  const auto set = make_dataset(spec, "");
  const Batch batch = set->batch(Split::test, 0, 0, {0, 3, 1});
  REQUIRE(batch.targets.equal(torch::tensor({0, 0, 1}, torch::kInt64)));
  const double within = (batch.inputs[0] - batch.inputs[1]).norm().item<double>();
  const double between = (batch.inputs[0] - batch.inputs[2]).norm().item<double>();
  REQUIRE(within < 0.9 * between);
}
