#include "optdnn/fetch/fetch_photos.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <thread>

#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/fetch/archive_reader.h"
#include "optdnn/fetch/process.h"
#include "optdnn/photos/damage.h"
#include "optdnn/photos/image_store.h"
#include "optdnn/photos/tar_index.h"

namespace optdnn::fetch {

namespace fs = std::filesystem;
using base::concat;
using base::EnvironmentError;

namespace {

constexpr const char* kFolder = "imagenette-160";
constexpr int64_t kTrainImages = 9469, kTestImages = 3925;  // Imagenette v2
constexpr size_t kMaxImageBytes = size_t{1} << 26;

// <split>/<class>/<image> of a path that ends so, else nothing.
std::optional<fs::path> place_of(const fs::path& path) {
  const fs::path label = path.parent_path(), split = label.parent_path();
  if (split.filename() != "train" && split.filename() != "val") return {};
  return split.filename() / label.filename() / path.filename();
}

void write(const fs::path& folder, const fs::path& place, std::string_view bytes) {
  base::make_folders((folder / place).parent_path());
  std::ofstream file(folder / place, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw EnvironmentError(concat("cannot write ", (folder / place).string()));
}

void unpack_archive(const fs::path& path, const fs::path& folder) {
  ArchiveReader reader(path);
  while (archive_entry* entry = reader.next()) {
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    const std::string member = photos::inner_path(path_of(entry));
    if (member.empty()) {
      throw EnvironmentError(concat(path.string(), ":", path_of(entry), " would lead out of the archive"));
    }
    const auto place = is_plain_file(entry) ? place_of(member) : std::nullopt;
    if (place) write(folder, *place, reader.bytes(member, kMaxImageBytes));
  }
}

void copy_folder(const fs::path& from, const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    const auto place = place_of(entry.path());
    if (place) write(folder, *place, base::read_file(entry.path(), kMaxImageBytes));
  }
}

bool is_archive(const fs::path& path) {
  const std::string name = path.filename();
  const auto ends = {".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.zst"};
  return std::any_of(ends.begin(), ends.end(), [&](const char* end) { return name.ends_with(end); });
}

void require_count(const std::vector<fs::path>& places, const std::string& split, int64_t wanted) {
  const photos::ImageStore images(places, split);
  if (images.size() == wanted && images.classes().size() == 10) return;
  throw EnvironmentError(concat("Imagenette's ", split == "train" ? "training" : "validation", " part has ",
                                base::with_thousands(images.size()), " images of ", images.classes().size(),
                                " classes, wanted ", base::with_thousands(wanted), " of 10"));
}

void verify(const std::vector<fs::path>& places) {
  require_count(places, "train", kTrainImages);
  require_count(places, "val", kTestImages);
  const photos::Damage damage =
      photos::find_damage(places, std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
  if (!damage.messages.empty()) {
    throw EnvironmentError(concat(damage.messages.size(), " damaged images, the first: ", damage.messages.front()));
  }
}

// The folder, or archives beside where it would be.
void verify_what_is_there(const fs::path& folder) {
  std::vector<fs::path> places;
  try {
    places = photos::image_places(folder);
  } catch (const EnvironmentError&) {
    throw EnvironmentError("Imagenette is not downloaded, it is unpacked from where you have it",
                           "optdnn fetch imagenette --from FOLDER or ARCHIVE (Imagenette v2, 160 px)");
  }
  verify(places);
  base::log_info(concat("imagenette is there, verified: ", places.front().string()));
}

}  // namespace

void unpack_photos(const fs::path& from, const fs::path& folder) {
  if (!fs::exists(from)) throw EnvironmentError(concat(from.string(), " is missing"));
  if (!fs::is_directory(from)) return unpack_archive(from, folder);
  copy_folder(from, folder);
  for (const auto& entry : fs::directory_iterator(from)) {
    if (entry.is_regular_file() && is_archive(entry.path())) unpack_archive(entry.path(), folder);
  }
}

void fetch_imagenette(const fs::path& data_root, const fs::path& from) {
  const fs::path folder = data_root / kFolder;
  if (from.empty()) return verify_what_is_there(folder);
  base::make_folders(data_root);
  const TemporaryFolder unpacked(data_root / ".fetch-imagenette");
  base::log_info(concat("unpacking ", from.string()));
  unpack_photos(from, unpacked.path());
  verify({unpacked.path()});
  fs::remove_all(folder);
  fs::rename(unpacked.path(), folder);
  base::log_info(concat("imagenette is now in ", folder.string(), ", verified"));
}

}  // namespace optdnn::fetch
