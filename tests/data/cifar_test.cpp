// CIFAR readers on files of the true layout, sound and damaged.
#include "optdnn/data/cifar.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/fetch/png_atlas.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/made_files.h"

using namespace optdnn;
using namespace optdnn::data;
using namespace optdnn::fetch;
using namespace optdnn::test;
using tests::contains_text;

namespace {

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const base::EnvironmentError& error) {
    return std::string(error.what()) + " | " + error.hint();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a CIFAR set of the official layout is read file by file, in order") {
  const TemporaryFolder folder = scratch("cifar");
  const CifarLayout layout = small_cifar(3);
  write_cifar(layout, folder.path());
  const LabelledImages train = read_cifar(layout, folder.path(), Split::train);
  const LabelledImages test = read_cifar(layout, folder.path(), Split::test);
  REQUIRE(train.images_NCHW.sizes() == torch::IntArrayRef{6, 3, 32, 32});
  REQUIRE(test.images_NCHW.size(0) == 3);
  for (int64_t i = 0; i < 6; ++i) {
    REQUIRE(train.labels_N[i].item<int64_t>() == 7 * i % 10);
    const torch::Tensor pixels = train.images_NCHW[i].flatten().to(torch::kInt64);
    REQUIRE(pixels.equal((torch::arange(3072) + 31 * i).remainder(251)));
  }
  REQUIRE(read_cifar_class_names(layout, folder.path()).at(9) == "class 9");
}

TEST_CASE("CIFAR-100's two label bytes are told apart") {
  const TemporaryFolder folder = scratch("cifar100");
  const CifarLayout layout = small_cifar(4, 2);
  REQUIRE(layout.record_bytes() == 3074);
  write_cifar(layout, folder.path());
  const LabelledImages coarse = read_cifar(layout, folder.path(), Split::train, 0);
  const LabelledImages fine = read_cifar(layout, folder.path(), Split::train, 1);
  REQUIRE(coarse.labels_N.equal((7 * torch::arange(8)).remainder(3)));
  REQUIRE(fine.labels_N.equal((7 * torch::arange(8) + 1).remainder(10)));
  REQUIRE(coarse.images_NCHW.equal(fine.images_NCHW));
}

TEST_CASE("the published layouts have the published sizes") {
  REQUIRE(cifar10_layout().train.size() == 5);
  REQUIRE(cifar10_layout().test.records * cifar10_layout().record_bytes() == 30730000);
  REQUIRE(cifar100_layout().train.front().records * cifar100_layout().record_bytes() == 153700000);
  REQUIRE(cifar100_layout().labels.at(1).classes == 100);
}

TEST_CASE("whatever is wrong with a CIFAR file, the message names it and how to get it again") {
  const TemporaryFolder folder = scratch("cifar-bad");
  CifarLayout layout = small_cifar(3);
  write_cifar(layout, folder.path());
  const auto file = folder.path() / layout.folder / "two.bin";
  const std::string good = base::read_file(file, 1 << 20);
  const auto read = [&] { read_cifar(layout, folder.path(), Split::train); };
  const std::string hint = " | `optdnn fetch cifar10` gets it";

  SECTION("missing") {
    std::filesystem::remove(file);
    REQUIRE(error_of(read) == "data set cifar10: " + file.string() + " is missing" + hint);
  }
  SECTION("truncated") {
    base::write_file_atomically(file, good.substr(0, 9000));
    REQUIRE(error_of(read) == "data set cifar10: " + file.string() + " is damaged: 9000 bytes, wanted 9219" + hint);
  }
  SECTION("too large") {
    base::write_file_atomically(file, good + "x");
    REQUIRE_THAT(error_of(read), contains_text("two.bin is damaged: 9220 bytes"));
  }
  SECTION("a label out of range") {
    std::string bad = good;
    bad[3073] = 10;
    base::write_file_atomically(file, bad);
    REQUIRE(error_of(read) == file.string() + ": record 1 (byte 3073) has label 10, wanted 0 to 9" + hint);
  }
  SECTION("one changed bit, where the hash is known") {
    layout.train[1].sha256 = base::sha256_hex(good);
    REQUIRE(error_of(read) == "no error");
    std::string bad = good;
    bad[4000] ^= 1;
    base::write_file_atomically(file, bad);
    REQUIRE_THAT(error_of(read), contains_text("two.bin is damaged: its SHA-256 is ") && contains_text(hint));
  }
  SECTION("missing class names") {
    base::write_file_atomically(folder.path() / layout.folder / "names.txt", "cat\ndog\n");
    REQUIRE_THAT(error_of([&] { read_cifar_class_names(layout, folder.path()); }),
                 contains_text("names.txt holds 2 class names, wanted 10, one per line" + hint));
  }
}

namespace {

// The package that holds the same set as write_cifar writes.
std::vector<std::string> atlas_package(const CifarLayout& layout) {
  std::string train_labels, test_labels;
  std::vector<std::string> atlases;
  const int64_t records = layout.test.records;
  for (int64_t i = 0; i < 3 * records; ++i) {
    (i < 2 * records ? train_labels : test_labels) += (i % (2 * records) ? "," : "[") + std::to_string(7 * i % 10);
  }
  for (int64_t file = 0; file < 3; ++file) {
    std::string rgb;
    for (int64_t i = file * records; i < (file + 1) * records; ++i) {
      for (int64_t p = 0; p < 1024; ++p) {
        for (int64_t c = 0; c < 3; ++c) rgb += static_cast<char>((31 * i + 1024 * c + p) % 251);
      }
    }
    atlases.push_back(png(rgb, 1024, records));
  }
  return {train_labels + "]", test_labels + "]", atlases[0], atlases[1], atlases[2]};
}

}  // namespace

TEST_CASE("PNG atlases become the official layout, byte for byte") {
  const CifarLayout layout = small_cifar(3);
  const std::vector<NamedBytes> files = convert_atlases(layout, atlas_package(layout));
  REQUIRE(files.size() == 4);
  for (int64_t i = 0; i < 3; ++i) REQUIRE(files[i].bytes == cifar_bytes(layout, 3, 3 * i));
  REQUIRE(files[0].name == "one.bin");
  REQUIRE(files[2].name == "test.bin");
  REQUIRE(files[3].name == "names.txt");
  REQUIRE(std::count(files[3].bytes.begin(), files[3].bytes.end(), '\n') == 10);
}

TEST_CASE("a package that is not as it should be is refused by name") {
  const CifarLayout layout = small_cifar(3);
  std::vector<std::string> package = atlas_package(layout);
  const auto convert = [&] { convert_atlases(layout, package); };
  REQUIRE(error_of(convert) == "no error");

  SECTION("a picture of another size") {
    package[3] = png(std::string(1024 * 2 * 3, '\0'), 1024, 2);
    REQUIRE_THAT(error_of(convert),
                 contains_text("the atlas of two.bin is 1024 x 2 pixels of kind 2, wanted 1024 x 3"));
  }
  SECTION("half a picture") {
    package[4].resize(package[4].size() / 2);
    REQUIRE_THAT(error_of(convert), contains_text("the atlas of the test set is damaged"));
  }
  SECTION("no picture") {
    package[2] = "hello";
    REQUIRE_THAT(error_of(convert), contains_text("the atlas of one.bin is damaged"));
  }
  SECTION("labels: too few, out of range, no numbers, no JSON") {
    package[0] = "[1,2,3,4,5]";
    REQUIRE_THAT(error_of(convert), contains_text("the training labels is no list of 6 labels"));
    package[0] = "[1,2,3,4,5,10]";
    REQUIRE_THAT(error_of(convert), contains_text("the training labels: label 5 is 10, wanted 0 to 9"));
    package[0] = "[1,2,3,4,-5,1]";
    REQUIRE_THAT(error_of(convert), contains_text("label 4 is -5"));
    package[0] = "[1,2,3,4,\"5\",1]";
    REQUIRE_THAT(error_of(convert), contains_text("label 4 is \"5\""));
    package[0] = "[1,2";
    REQUIRE_THAT(error_of(convert), contains_text("no list of 6 labels"));
  }
}
