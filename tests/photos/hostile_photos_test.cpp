// A thousand damaged or hostile images and archives: each is decoded or named, none crashes, memory stays small.
#include <sys/resource.h>

#include <functional>

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/base/text.h"
#include "optdnn/photos/photo_reader.h"
#include "optdnn/photos/tar_index.h"
#include "support/catch.h"
#include "support/made_files.h"
#include "support/made_photos.h"

using namespace optdnn;
using namespace optdnn::photos;
using namespace optdnn::test;
using base::RandomStream;
using Catch::Matchers::StartsWith;

namespace {

using Damage = std::function<void(std::string&, RandomStream&)>;

size_t place_in(const std::string& bytes, RandomStream& random) {
  return random.below(std::max<size_t>(bytes.size(), 1));
}

void write_big_endian(std::string& bytes, size_t at, uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes.at(at + i) = static_cast<char>(value >> (8 * (count - 1 - i)) & 255);
}

void cut(std::string& bytes, RandomStream& random) { bytes.resize(place_in(bytes, random)); }
void flip_bits(std::string& bytes, RandomStream& random) {
  for (uint64_t i = 0, count = 1 + random.below(30); i < count; ++i) {
    bytes[place_in(bytes, random)] ^= static_cast<char>(1u << random.below(8));
  }
}
void overwrite(std::string& bytes, RandomStream& random) {
  const size_t at = place_in(bytes, random), end = std::min(bytes.size(), at + random.below(64));
  for (size_t i = at; i < end; ++i) bytes[i] = static_cast<char>(random.next());
}
void repeat_part(std::string& bytes, RandomStream& random) {
  const size_t at = place_in(bytes, random);
  bytes.insert(at, bytes.substr(place_in(bytes, random), random.below(400)));
}
// Height and width stand five bytes behind the frame's marker, FF C0 or FF C2.
void declare_huge(std::string& bytes, RandomStream& random) {
  size_t frame = bytes.find("\xff\xc0");
  if (frame == std::string::npos) frame = bytes.find("\xff\xc2");
  const uint32_t sizes[] = {65500, 9000, 30000, 1};
  write_big_endian(bytes, frame + 5, sizes[random.below(4)], 2);
  write_big_endian(bytes, frame + 7, sizes[random.below(3)], 2);
}
void no_size(std::string& bytes, RandomStream& random) {
  const size_t frame = bytes.find("\xff\xc0");
  if (frame != std::string::npos) write_big_endian(bytes, frame + 5 + 2 * random.below(2), 0, 2);
}
void another_type(std::string& bytes, RandomStream& random) {
  const std::vector<std::string> beginnings = {"GIF89a", "RIFF....WEBP", "%PDF-1.4", "",
                                               "\xff",   "\xff\xd8",     "BM",       "<svg>"};
  bytes.replace(0, std::min<size_t>(bytes.size(), 12), beginnings[random.below(beginnings.size())]);
}

const std::vector<Damage>& image_damages() {
  static const std::vector<Damage> list = {cut, flip_bits, overwrite, repeat_part, declare_huge, no_size, another_type};
  return list;
}

int64_t peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

void escape(std::string& bytes, RandomStream& random) {
  const std::vector<std::string> names = {"/etc/passwd",
                                          "../../outside.jpg",
                                          "train/../../x.jpg",
                                          "train//x.jpg",
                                          "train/n0/./x.jpg",
                                          "a\\b.jpg",
                                          std::string("train/n0/\x01.jpg")};
  bytes = tar({{"train/n0/sound.jpg", "sound"}, {names[random.below(names.size())], "hostile"}});
}
void size_beyond(std::string& bytes, RandomStream& random) {
  const char* sizes[] = {"77777777777", "00000100000", "-0000000001", "00000000009"};
  bytes.replace(124, 11, sizes[random.below(4)]);
}
void binary_size(std::string& bytes, RandomStream& random) {
  bytes[124] = static_cast<char>(0x80 | random.below(128));
  for (int i = 1; i < 12; ++i) bytes[124 + i] = static_cast<char>(random.next());
}
void other_type(std::string& bytes, RandomStream& random) { bytes[156] = "123456SLKxg"[random.below(11)]; }

// The header's checksum made right again, so that the damage is looked at.
void repair_checksum(std::string& bytes) {
  if (bytes.size() < 512) return;
  bytes.replace(148, 8, 8, ' ');
  unsigned sum = 0;
  for (size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(bytes[i]);
  char text[8];
  std::snprintf(text, sizeof text, "%06o", sum);
  bytes.replace(148, 7, std::string(text, 7));
}

const std::vector<Damage>& archive_damages() {
  static const std::vector<Damage> list = {cut, flip_bits, overwrite, escape, size_beyond, binary_size, other_type};
  return list;
}

std::vector<TarMember> indexed(const std::string& bytes, const std::string& place) {
  const auto read = [&](uint64_t offset, uint64_t count) {
    return offset < bytes.size() ? bytes.substr(offset, count) : std::string();
  };
  return index_tar(read, bytes.size(), place);
}

}  // namespace

TEST_CASE("seven hundred damaged images are decoded or named") {
  const int64_t before_mib = peak_mib();
  int named = 0;
  for (int i = 0; i < 700; ++i) {
    RandomStream random(11, "damage", 0, i);
    const Pixels pixels = photo(24 + static_cast<int64_t>(random.below(40)), 24, i);
    std::string bytes = jpeg(pixels, {.progressive = i % 3 == 1, .grey = i % 5 == 3});
    image_damages()[i % image_damages().size()](bytes, random);
    const std::string place = base::concat("image ", i);
    INFO(place);
    try {
      const Pixels whole = PhotoReader(bytes, place).whole();
      REQUIRE(whole.width * whole.height <= 512 * std::max<int64_t>(std::ssize(bytes), 1));
    } catch (const base::EnvironmentError& error) {
      REQUIRE_THAT(error.what(), StartsWith(place + " is "));
      ++named;
    }
  }
  REQUIRE(named > 300);
  REQUIRE(peak_mib() - before_mib < 200);
}

TEST_CASE("three hundred damaged or hostile archives are read or named, and no name leads out") {
  int named = 0;
  for (int i = 0; i < 300; ++i) {
    RandomStream random(12, "damage", 0, i);
    std::string bytes = tar({{"train/n0/a.jpg", std::string(random.below(2000), 'a')}, {"val/n0/b.jpg", "b"}});
    archive_damages()[i % archive_damages().size()](bytes, random);
    if (random.coin()) repair_checksum(bytes);
    const std::string place = base::concat("archive ", i);
    INFO(place);
    try {
      for (const TarMember& member : indexed(bytes, place)) {
        REQUIRE(inner_path(member.path) == member.path);
        REQUIRE(member.offset + member.bytes <= bytes.size());
      }
    } catch (const base::EnvironmentError& error) {
      REQUIRE_THAT(error.what(), StartsWith(place + " is damaged"));
      ++named;
    }
  }
  REQUIRE(named > 150);
}

TEST_CASE("a PNG that declares a huge size takes no memory") {
  std::string bytes = png(std::string(3 * 8 * 8, '\7'), 8, 8);
  write_big_endian(bytes, 16, 100000, 4);
  REQUIRE_THROWS_AS(PhotoReader(bytes, "huge"), base::EnvironmentError);
}
