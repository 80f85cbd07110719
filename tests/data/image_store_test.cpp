// Image folders and archives as people have them: what is taken is what torchvision's ImageFolder takes, and what is
// left out is named with a count.
#include "optdnn/photos/image_store.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/data/photo_set.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/made_files.h"
#include "support/made_photos.h"
#include "support/made_tar.h"

using namespace optdnn;
using namespace optdnn::photos;
using namespace optdnn::test;
using tests::contains_text;
using Lines = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

// Both splits of two classes with one image each, the bytes of no concern.
struct Photos {
  fetch::TemporaryFolder folder = scratch("image-store");
  fs::path root = folder.path() / "photos";
  Photos() {
    for (const char* path : {"train/cat/0.jpg", "train/dog/0.jpg", "val/cat/0.jpg", "val/dog/0.jpg"}) put(path);
  }
  void put(const fs::path& path, const std::string& bytes = "x") const {
    base::make_folders((root / path).parent_path());
    base::write_file_atomically(root / path, bytes);
  }
  void link(const fs::path& path, const fs::path& target) const { fs::create_symlink(target, root / path); }
  ImageStore store(const std::string& split = "train") const { return ImageStore({root}, split); }
  // The paths below train, in order.
  Lines names() const {
    const ImageStore images = store();
    Lines names;
    for (int64_t i = 0; i < images.size(); ++i)
      names.push_back(fs::path(images.name(i)).lexically_relative(root / "train"));
    return names;
  }
};

}  // namespace

TEST_CASE("hidden entries of macOS and Jupyter are no pictures and no classes") {
  const Photos photos;
  photos.put("train/cat/._0.jpg");
  photos.put("train/.ipynb_checkpoints/0-checkpoint.jpg");
  photos.put("train/cat/.ipynb_checkpoints/0-checkpoint.jpg");
  photos.put("train/__MACOSX/0.jpg");
  photos.put("train/.DS_Store");
  CHECK(photos.names() == Lines{"cat/0.jpg", "dog/0.jpg"});
  CHECK(photos.store().classes() == Lines{"cat", "dog"});
  CHECK(photos.store().left_out() == Lines{"4 files are left out: hidden (train/.ipynb_checkpoints and others)"});
}

TEST_CASE("pictures of deeper folders belong to the class, in ImageFolder's order") {
  const Photos photos;
  photos.put("train/cat/more/a.JPG");
  photos.put("train/cat/more/deeper/b.jpeg");
  photos.put("train/cat/z.PNG");
  photos.put("train/cat/notes.txt");
  CHECK(photos.names() == Lines{"cat/0.jpg", "cat/z.PNG", "cat/more/a.JPG", "cat/more/deeper/b.jpeg", "dog/0.jpg"});
  CHECK(photos.store().left_out().empty());
}

TEST_CASE("pictures of other kinds, or outside the classes, are named with a count") {
  const Photos photos;
  for (const char* name : {"a.webp", "b.WEBP", "c.bmp", "d.tif", "e.jfif"}) photos.put(fs::path("train/cat") / name);
  photos.put("train/loose.jpg");
  const std::string unread = "left out: pictures of a kind that is not read, ";
  const std::string convert = "; convert them to JPEG or PNG (train/cat/";
  CHECK(photos.store().left_out() == Lines{"1 file is " + unread + ".bmp" + convert + "c.bmp)",
                                           "1 file is " + unread + ".jfif" + convert + "e.jfif)",
                                           "1 file is " + unread + ".tif" + convert + "d.tif)",
                                           "2 files are " + unread + ".webp" + convert + "a.webp and others)",
                                           "1 file is left out: pictures outside the folders train/<class> and "
                                           "val/<class> (train/loose.jpg)"});
  CHECK(photos.store("val").left_out().empty());
}

TEST_CASE("links are followed, and named where they lead nowhere or back") {
  const Photos photos;
  photos.put("elsewhere/real.jpg");
  photos.link("train/cat/l.jpg", "../../elsewhere/real.jpg");
  photos.link("train/eel", "../elsewhere");
  photos.link("train/cat/gone.jpg", "nothing");
  photos.link("train/loop", "loop");
  photos.link("train/cat/up", "..");
  photos.link("train/cat/here", ".");
  CHECK(photos.names() == Lines{"cat/0.jpg", "cat/l.jpg", "dog/0.jpg", "eel/real.jpg"});
  CHECK(photos.store().left_out() ==
        Lines{"2 files are left out: links back into a folder above them (train/cat/here and others)",
              "2 files are left out: links that lead nowhere (train/cat/gone.jpg and others)"});
}

TEST_CASE("a class without an image, a missing split and different classes are named") {
  const Photos photos;
  fs::create_directories(photos.root / "train/eel");
  REQUIRE_THROWS_WITH(photos.store(), contains_text("1 class in train without an image: eel"));
  photos.put("train/eel/a.jpg");
  PhotoSpec spec;
  spec.folder = "photos";
  spec.classes = 3;
  REQUIRE_THROWS_WITH(data::PhotoSet(spec, "image_folder", photos.folder.path()),
                      "photos: train and val hold different classes, only in train: eel");
  fs::rename(photos.root / "val", photos.root / "valid");
  REQUIRE_THROWS_WITH(photos.store("val"), contains_text("holds no images val/<class>/<image>.jpg"));
}

TEST_CASE("a folder that may not be read is an error of the file system, not a smaller data set") {
  const Photos photos;
  fs::permissions(photos.root / "train/dog", fs::perms::none);
  if (fs::directory_iterator probe(photos.root / "train/dog", fs::directory_options::skip_permission_denied);
      probe != fs::directory_iterator())
    SUCCEED("the superuser reads everything");
  else
    CHECK_THROWS_AS(photos.store(), fs::filesystem_error);
  fs::permissions(photos.root / "train/dog", fs::perms::owner_all);
}

TEST_CASE("an archive gives the same images as the folder it was made of, and the same words") {
  const Photos photos;
  const TarEntry entries[] = {{"./photos/train/cat/0.jpg", "cat"},
                              {"./photos/train/dog/more/0.jpg", "dog"},
                              {"./photos/train/cat/._0.jpg", "x"},
                              {"./photos/train/dog/h.jpg", "", '1', "./photos/train/cat/0.jpg"},
                              {"./photos/train/dog/s.jpg", "", '2', "gone.jpg"},
                              {"./photos/val/cat/0.webp", "x"},
                              {"./photos/loose.png", "x"},
                              {"./photos/val/cat/1.png", "v"}};
  std::string bytes;
  for (const TarEntry& entry : entries) bytes += tar_entry(entry);
  const fs::path archive = photos.folder.path() / "photos.tar";
  base::write_file_atomically(archive, bytes + std::string(1024, '\0'));
  const ImageStore train({archive}, "train"), val({archive}, "val");
  REQUIRE(train.size() == 3);
  CHECK(train.classes() == Lines{"cat", "dog"});
  CHECK(train.bytes(0) + train.bytes(1) + train.bytes(2) == "catcatdog");
  CHECK(train.left_out() == Lines{"1 file is left out: a link to no file of the archive (photos/train/dog/s.jpg)",
                                  "1 file is left out: hidden (photos/train/cat/._0.jpg)",
                                  "1 file is left out: pictures outside the folders train/<class> and val/<class> "
                                  "(photos/loose.png)"});
  CHECK(val.size() == 1);
  CHECK(val.left_out().size() == 1);
}

TEST_CASE("a place that is no folder and no archive says what is beside it") {
  const Photos photos;
  base::write_file_atomically(photos.folder.path() / "pets.tar.gz", "x");
  try {
    image_places(photos.folder.path() / "pets");
    FAIL("found");
  } catch (const base::EnvironmentError& error) {
    CHECK(error.hint() == "there is pets.tar.gz; archives are plain ones, .tar");
  }
}
