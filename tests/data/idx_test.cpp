// The IDX reader on sound, damaged and lying files.
#include "optdnn/data/idx.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/made_files.h"

using namespace optdnn;
using namespace optdnn::data;
using namespace optdnn::fetch;
using namespace optdnn::test;
using base::EnvironmentError;
using tests::contains_text;

TEST_CASE("idx images and labels are read, plain and gzipped alike") {
  const TemporaryFolder folder = scratch("idx");
  const IdxLayout layout = small_idx(20, 10);
  const auto place = folder.path() / layout.folder;
  base::make_folders(place);
  base::write_file_atomically(place / "a-images", idx_bytes({20, 4, 3}, 251));
  base::write_file_atomically(place / "a-labels.gz", gzip(idx_bytes({20}, 10)));
  base::write_file_atomically(place / "b-images.gz", gzip(idx_bytes({10, 4, 3}, 251)));
  base::write_file_atomically(place / "b-labels", idx_bytes({10}, 10));
  const LabelledImages train = read_idx_images(layout, folder.path(), Split::train);
  REQUIRE(train.images_NCHW.sizes() == torch::IntArrayRef{20, 1, 4, 3});
  REQUIRE(train.images_NCHW.flatten().to(torch::kInt64).equal(torch::arange(240).remainder(251)));
  REQUIRE(train.labels_N.equal(torch::arange(20).remainder(10)));
  REQUIRE(read_idx_images(layout, folder.path(), Split::test).images_NCHW.size(0) == 10);

  base::write_file_atomically(place / "b-labels", idx_bytes({10}, 11));  // labels 0 ... 9: still in range
  REQUIRE_NOTHROW(read_idx_images(layout, folder.path(), Split::test));
  std::string bad = idx_bytes({10}, 10);
  bad[8 + 4] = 10;
  base::write_file_atomically(place / "b-labels", bad);
  REQUIRE_THROWS_WITH(read_idx_images(layout, folder.path(), Split::test),
                      contains_text("b-labels: image 4 has label 10, wanted 0 to 9"));
  std::filesystem::remove(place / "a-images");
  REQUIRE_THROWS_WITH(read_idx_images(layout, folder.path(), Split::train), contains_text("a-images is missing"));
}

TEST_CASE("an idx header that lies is refused before memory is taken") {
  const std::string good = idx_bytes({5, 4, 3}, 7);
  REQUIRE_NOTHROW(parse_idx(good, {5, 4, 3}, "f"));
  REQUIRE_THROWS_WITH(parse_idx(good, {6, 4, 3}, "f"), "f: dimension 0 is 5, wanted 6");
  REQUIRE_THROWS_WITH(parse_idx(good, {5, 12}, "f"), "f is no idx file of 2-dimensional bytes");
  REQUIRE_THROWS_WITH(parse_idx(good + "x", {5, 4, 3}, "f"), "f is 77 bytes, wanted 16 + 60");
  std::string huge = good;
  huge[4] = '\x7f';
  REQUIRE_THROWS_WITH(parse_idx(huge, {5, 4, 3}, "f"), "f: dimension 0 is 2130706437, wanted 5");
  for (size_t length = 0; length < good.size(); ++length) {
    REQUIRE_THROWS_AS(parse_idx(good.substr(0, length), {5, 4, 3}, "f"), EnvironmentError);
  }
}

TEST_CASE("gzip: bombs are bounded, truncated and trailing bytes are noticed") {
  const std::string zeros(1 << 20, '\0'), packed = gzip(zeros);
  REQUIRE(gunzip(packed, zeros.size(), "f") == zeros);
  REQUIRE(gunzip("plain", 3, "f") == "plain");
  REQUIRE_THROWS_WITH(gunzip(packed, 1000, "f"), "f unpacks to more than 1000 bytes");
  REQUIRE_THROWS_AS(gunzip(packed.substr(0, packed.size() / 2), zeros.size(), "f"), EnvironmentError);
  REQUIRE_THROWS_AS(gunzip(packed + "more", zeros.size(), "f"), EnvironmentError);
  std::string damaged = packed;
  damaged[packed.size() - 6] ^= 1;  // the check sum
  REQUIRE_THROWS_AS(gunzip(damaged, zeros.size(), "f"), EnvironmentError);
}
