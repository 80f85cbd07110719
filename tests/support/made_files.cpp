#include "support/made_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <spng.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>

#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "support/catch.h"

namespace optdnn::test {

fetch::TemporaryFolder scratch(const std::string& name) {
  return fetch::TemporaryFolder(std::filesystem::temp_directory_path() /
                                base::concat("optdnn-test-", ::getpid(), "-", name));
}

data::CifarLayout small_cifar(int64_t records, int label_bytes) {
  data::CifarLayout layout{"cifar10", "small", {{"one.bin", records}, {"two.bin", records}}, {"test.bin", records}, {}};
  if (label_bytes == 2) layout.labels.push_back({"coarse.txt", 3});
  layout.labels.push_back({"names.txt", 10});
  return layout;
}

std::string cifar_bytes(const data::CifarLayout& layout, int64_t records, int64_t first) {
  std::string bytes;
  for (int64_t i = first; i < first + records; ++i) {
    for (size_t j = 0; j < layout.labels.size(); ++j) {
      bytes += static_cast<char>((7 * i + static_cast<int64_t>(j)) % layout.labels[j].classes);
    }
    for (int64_t p = 0; p < 3072; ++p) bytes += static_cast<char>((31 * i + p) % 251);
  }
  return bytes;
}

void write_cifar(const data::CifarLayout& layout, const std::filesystem::path& data_root) {
  const auto folder = data_root / layout.folder;
  base::make_folders(folder);
  int64_t first = 0;
  for (const data::CifarFile& file : layout.train) {
    base::write_file_atomically(folder / file.name, cifar_bytes(layout, file.records, first));
    first += file.records;
  }
  base::write_file_atomically(folder / layout.test.name, cifar_bytes(layout, layout.test.records, first));
  for (const data::CifarLabel& label : layout.labels) {
    std::string names;
    for (int64_t i = 0; i < label.classes; ++i) names += base::concat("class ", i, "\n");
    base::write_file_atomically(folder / label.names_file, names + "\n");  // the official file ends with an empty line
  }
}

data::IdxLayout small_idx(int64_t train, int64_t test) {
  data::IdxLayout layout{"mnist", "small", {"a-images", ""}, {"a-labels", ""}, {"b-images", ""}, {"b-labels", ""}};
  layout.train = train;
  layout.test = test;
  layout.height = 4;
  layout.width = 3;
  return layout;
}

std::string idx_bytes(const std::vector<int64_t>& dimensions, int classes) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(dimensions.size())};
  int64_t count = 1;
  for (const int64_t dimension : dimensions) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(dimension >> shift & 255);
    count *= dimension;
  }
  for (int64_t i = 0; i < count; ++i) bytes += static_cast<char>(i % classes);
  return bytes;
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string tar(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string bytes(1 << 20, '\0');
  for (const auto& member : members) bytes.resize(bytes.size() + member.second.size() + 4096);
  size_t used = 0;
  archive* writer = archive_write_new();
  archive_write_set_format_ustar(writer);
  REQUIRE(archive_write_open_memory(writer, bytes.data(), bytes.size(), &used) == ARCHIVE_OK);
  for (const auto& [name, content] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(writer, entry);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  bytes.resize(used);
  return bytes;
}

std::string png(const std::string& rgb, int64_t width, int64_t height) {
  spng_ctx* encoder = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_set_option(encoder, SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr header{static_cast<uint32_t>(width), static_cast<uint32_t>(height), 8, SPNG_COLOR_TYPE_TRUECOLOR, 0, 0, 0};
  spng_set_ihdr(encoder, &header);
  REQUIRE(spng_encode_image(encoder, rgb.data(), rgb.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE) == 0);
  size_t size = 0;
  int status = 0;
  void* buffer = spng_get_png_buffer(encoder, &size, &status);
  std::string bytes(static_cast<char*>(buffer), size);
  std::free(buffer);
  spng_ctx_free(encoder);
  return bytes;
}

}  // namespace optdnn::test
