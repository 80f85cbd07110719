#include "optdnn/fetch/fetch_photos.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
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

using Archive = std::unique_ptr<archive, int (*)(archive*)>;

// <split>/<class>/<image> of a path that ends so, else nothing.
std::optional<fs::path> place_of(const fs::path& path) {
  const fs::path label = path.parent_path(), split = label.parent_path();
  if (split.filename() != "train" && split.filename() != "val") return {};
  return split.filename() / label.filename() / path.filename();
}

std::string entry_bytes(archive* from, const std::string& name) {
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const la_ssize_t got = archive_read_data(from, buffer, sizeof buffer);
    if (got < 0) throw EnvironmentError(concat(name, " is damaged: ", archive_error_string(from)));
    if (got == 0) return bytes;
    bytes.append(buffer, got);
    if (bytes.size() > kMaxImageBytes) throw EnvironmentError(concat(name, " is too large"));
  }
}

void write(const fs::path& folder, const fs::path& place, std::string_view bytes) {
  base::make_folders((folder / place).parent_path());
  std::ofstream file(folder / place, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw EnvironmentError(concat("cannot write ", (folder / place).string()));
}

void unpack_archive(const fs::path& path, const fs::path& folder) {
  const Archive reader(archive_read_new(), archive_read_free);
  archive_read_support_filter_gzip(reader.get());
  archive_read_support_filter_xz(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_format_tar(reader.get());
  if (archive_read_open_filename(reader.get(), path.c_str(), 1 << 18) != ARCHIVE_OK) {
    throw EnvironmentError(concat(path.string(), " is no archive: ", archive_error_string(reader.get())));
  }
  for (;;) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return;
    if (status < ARCHIVE_WARN) {
      throw EnvironmentError(concat(path.string(), " is damaged: ", archive_error_string(reader.get())));
    }
    if (archive_entry_filetype(entry) == AE_IFDIR) continue;
    const char* text = archive_entry_pathname(entry);
    const std::string name = concat(path.string(), ":", text ? text : "");
    const std::string member = photos::inner_path(text ? text : "");
    if (member.empty()) throw EnvironmentError(concat(name, " would lead out of the archive"));
    const bool is_file = archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry);
    if (const auto place = is_file ? place_of(member) : std::nullopt)
      write(folder, *place, entry_bytes(reader.get(), name));
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
