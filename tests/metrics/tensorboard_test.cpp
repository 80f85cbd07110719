// The event file, read by a decoder that shares no line with the writer.
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "optdnn/base/files.h"
#include "optdnn/metrics/sink.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace optdnn::metrics {
namespace {

// CRC-32C bit by bit, most naive form.
uint32_t crc32c(const std::string& bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) crc = crc & 1 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

uint64_t little_endian(const std::string& bytes, size_t at, int count) {
  uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

struct Field {
  int wire = 0;
  uint64_t number = 0;  // of wire types 0, 1, 5
  std::string bytes;    // of wire type 2
};

std::multimap<int, Field> decode_message(const std::string& message) {
  std::multimap<int, Field> fields;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(message.at(at++));
      value |= static_cast<uint64_t>(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.size()) {
    const uint64_t key = varint();
    Field field{static_cast<int>(key & 7), 0, ""};
    if (field.wire == 0) {
      field.number = varint();
    } else if (field.wire == 2) {
      const size_t size = varint();
      REQUIRE(size <= message.size() - at);
      field.bytes = message.substr(at, size);
      at += size;
    } else {
      const int size = field.wire == 1 ? 8 : 4;
      field.number = little_endian(message, at, size);
      at += size;
    }
    fields.emplace(static_cast<int>(key >> 3), field);
  }
  return fields;
}

std::vector<std::string> messages_of(const std::string& file) {
  const auto unmasked = [&](size_t at) {
    const auto value = static_cast<uint32_t>(little_endian(file, at, 4)) - 0xa282ead8u;
    return value >> 17 | value << 15;
  };
  std::vector<std::string> messages;
  for (size_t at = 0; at < file.size();) {
    const size_t size = little_endian(file, at, 8);
    REQUIRE(unmasked(at + 8) == crc32c(file.substr(at, 8)));
    messages.push_back(file.substr(at + 12, size));
    REQUIRE(unmasked(at + 12 + size) == crc32c(messages.back()));
    at += 16 + size;
  }
  return messages;
}

template <class T, class Bits>
T number_of(Bits bits) {
  static_assert(sizeof(T) == sizeof(Bits));
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

TEST_CASE("the naive checksum is CRC-32C") { REQUIRE(crc32c("123456789") == 0xe3069283); }

TEST_CASE("a TensorBoard file decodes to the records that were written") {
  const TemporaryFolder folder;
  const auto path = folder / "events.out.tfevents.run";
  const auto sink = make_tensorboard_sink(path, 1000.5);
  sink->rewind(-1);
  Record record(300, 0.75, 12.25);
  record.set("train/loss", 0.1);
  record.set("test/error_pct", std::numeric_limits<double>::quiet_NaN());
  record.set("note", std::string("no scalar"));
  record.set(std::string(200, 'n'), -2.0);
  sink->write(record);

  const auto messages = messages_of(base::read_file(path, 1 << 20));
  REQUIRE(messages.size() == 2);
  REQUIRE(decode_message(messages[0]).find(3)->second.bytes == "brain.Event:2");
  const auto event = decode_message(messages[1]);
  REQUIRE(number_of<double>(event.find(1)->second.number) == 1012.75);
  REQUIRE(event.find(2)->second.number == 300);
  std::vector<std::pair<std::string, float>> scalars;
  for (const auto& [field, value] : decode_message(event.find(5)->second.bytes)) {
    REQUIRE(field == 1);
    const auto parts = decode_message(value.bytes);
    scalars.emplace_back(parts.find(1)->second.bytes,
                         number_of<float>(static_cast<uint32_t>(parts.find(2)->second.number)));
  }
  REQUIRE(scalars.size() == 3);
  REQUIRE(scalars[0] == std::pair(std::string("train/loss"), 0.1f));
  REQUIRE(scalars[1].first == "test/error_pct");
  REQUIRE(std::isnan(scalars[1].second));
  REQUIRE(scalars[2] == std::pair(std::string(200, 'n'), -2.0f));
}

TEST_CASE("the HParams tab finds a run's settings in the second record, and stopping does not repeat them") {
  const TemporaryFolder folder;
  const auto path = folder / "events.out.tfevents.run";
  const Hparams hparams = {{"optimizer.learning_rate", 0.1}, {"width", std::string("16, 32")}};
  for (const int64_t iteration : {-1, 0}) {
    const auto sink = make_tensorboard_sink(path, 1000.5 + static_cast<double>(iteration), hparams, "rings/apg2");
    sink->rewind(iteration);
  }

  const auto messages = messages_of(base::read_file(path, 1 << 20));
  REQUIRE(messages.size() == 2);
  const auto inner = [](const std::string& message, std::initializer_list<int> fields) {
    std::string bytes = message;
    for (const int field : fields) bytes = decode_message(bytes).find(field)->second.bytes;
    return bytes;
  };
  const std::string value = inner(messages[1], {5, 1});
  REQUIRE(inner(value, {1}) == "_hparams_/session_start_info");
  REQUIRE(inner(value, {9, 1, 1}) == "hparams");
  const auto session = decode_message(inner(value, {9, 1, 2, 3}));
  REQUIRE(session.count(1) == 2);
  const std::string first = session.lower_bound(1)->second.bytes,
                    second = std::next(session.lower_bound(1))->second.bytes;
  REQUIRE(inner(first, {1}) == "optimizer.learning_rate");
  REQUIRE(number_of<double>(decode_message(inner(first, {2})).find(2)->second.number) == 0.1);
  REQUIRE(inner(second, {1}) == "width");
  REQUIRE(inner(second, {2, 3}) == "16, 32");
  REQUIRE(session.find(4)->second.bytes == "rings/apg2");
  REQUIRE(number_of<double>(session.find(5)->second.number) == 999.5);
}

}  // namespace optdnn::metrics
