// Photographs on the make-believe device: threads decode them, the thread that asks for them finishes them there.
#include <algorithm>
#include <thread>

#include "optdnn/data/loader.h"
#include "optdnn/data/photo_set.h"
#include "support/catch.h"
#include "support/made_files.h"
#include "support/made_photos.h"
#include "support/mock_device.h"

using namespace optdnn;
using namespace optdnn::data;
using photos::PhotoAugmentation;

TEST_CASE("photographs go up without a wait, whatever threads decode them") {
  const fetch::TemporaryFolder root = test::scratch("photos-mock");
  test::write_photos(root.path() / "photos", 3, 5, 2);
  photos::PhotoSpec spec;
  spec.folder = "photos";
  spec.size_px = 16;
  spec.resize_px = 20;
  spec.augment = {PhotoAugmentation::crop, PhotoAugmentation::flip, PhotoAugmentation::erase, PhotoAugmentation::mixup,
                  PhotoAugmentation::cutmix};
  spec.erase_probability = 0.5;
  const PhotoSet cpu(spec, "imagenette", root.path());
  const PhotoSet other(spec, "imagenette", root.path(), {}, tests::mock_device());
  REQUIRE(cpu.loader_threads() == 1);
  REQUIRE(other.loader_threads() == static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 32u)));
  {
    const tests::MockWatch watch;
    const Batch begun = other.batch(Split::train, 5, 2, {0, 3, 7});
    REQUIRE(watch.calls().empty());  // by whatever thread
    REQUIRE(begun.rest);
    REQUIRE(finished(begun).inputs.cpu().equal(cpu.batch(Split::train, 5, 2, {0, 3, 7}).inputs));
  }
  for (const Split split : {Split::train, Split::test}) {
    for (const int threads : {0, 3}) {
      CAPTURE(static_cast<int>(split), threads);
      LoaderOptions options{.split = split, .batch_size = 4, .seeds = {5}, .threads = threads};
      const Loader on_cpu(cpu, options), on_device(other, options);
      std::vector<Batch> wanted, found;
      auto expected = on_cpu.epoch(2);
      while (const auto batch = expected.next()) wanted.push_back(*batch);
      {
        const tests::MockWatch watch;
        auto reader = on_device.epoch(2);
        while (const auto batch = reader.next()) found.push_back(*batch);
        CAPTURE(watch.waits());
        REQUIRE(watch.waits().empty());
        REQUIRE(watch.operators().contains("index_select"));
      }
      REQUIRE(found.size() == wanted.size());
      for (size_t i = 0; i < found.size(); ++i) {
        REQUIRE(found[i].inputs.device() == tests::mock_device());
        REQUIRE(found[i].inputs.cpu().equal(wanted[i].inputs));
        REQUIRE(found[i].targets.cpu().equal(wanted[i].targets));
      }
    }
  }
}
