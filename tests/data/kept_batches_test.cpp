// Batches kept for timing come back as they are, in turn.
#include "optdnn/data/kept_batches.h"

#include "optdnn/base/errors.h"
#include "optdnn/data/catalogue.h"
#include "support/catch.h"

using namespace optdnn;
using namespace optdnn::data;

namespace {

std::unique_ptr<DataSet> small_images() {
  GeneratedImagesSpec spec;
  spec.size_px = 4;
  spec.train_images = 22;
  return make_dataset(spec, "", "cpu");
}

}  // namespace

TEST_CASE("kept batches are served in turn, to each seed its own, and share their memory") {
  const auto images = small_images();
  std::map<uint64_t, std::vector<Batch>> batches;
  for (const uint64_t seed : {3, 5}) batches[seed] = first_batches({*images, {Split::train, 8, {seed}}}, 2);
  const KeptBatches kept(images->shape(), batches, 5);
  for (const uint64_t seed : {3, 5}) {
    const Loader loader(kept, {Split::train, kept.batch_size(), {seed}});
    auto epoch = loader.epoch(0);
    for (int i = 0; i < 5; ++i) {
      const Batch batch = epoch.next().value();
      REQUIRE(batch.inputs.is_same(batches[seed][i % 2].inputs));
      REQUIRE(batch.targets.is_same(batches[seed][i % 2].targets));
    }
    REQUIRE_FALSE(epoch.next().has_value());
  }
}

TEST_CASE("an epoch that has not so many whole batches is refused") {
  const auto images = small_images();
  const Loader loader(*images, {Split::train, 8});
  REQUIRE(first_batches(loader, 2).size() == 2);
  REQUIRE_THROWS_AS(first_batches(loader, 3), base::ConfigError);
}
