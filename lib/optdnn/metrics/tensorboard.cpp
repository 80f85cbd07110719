// A TensorBoard event file: TFRecords of protobuf messages.
//   record   u64 length | u32 masked CRC-32C of these 8 bytes | message | u32 masked CRC-32C of the message
//   mask     rotate right by 15, then add 0xa282ead8
//   Event    1: double wall_time   2: int64 step   3: string file_version (first record)   5: Summary
//   Summary  1: Value {1: string tag, 2: float simple_value, 9: Metadata}, repeated
//   Metadata 1: {1: "hparams", 2: {3: Session}}    of the second record, tag "_hparams_/session_start_info"
//   Session  1: {1: string name, 2: {2: double | 3: string}}, repeated   4: string group   5: double start time
// Source: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, framework/summary.proto,
// tensorboard/plugins/hparams/plugin_data.proto and api.proto.
#include <array>
#include <bit>
#include <cstring>

#include "optdnn/metrics/append_file.h"
#include "optdnn/metrics/sink.h"

namespace optdnn::metrics {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) table[i] = (table[i] >> 1) ^ (table[i] & 1 ? 0x82f63b78u : 0u);
  }
  return table;
}();

uint32_t masked_crc(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char byte : bytes) crc = kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 255] ^ (crc >> 8);
  return std::rotr(~crc, 15) + 0xa282ead8u;
}

template <class T>
std::string raw(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += static_cast<char>(value | 128);
  return bytes + static_cast<char>(value);
}

std::string tfrecord(const std::string& message) {
  const std::string length = raw<uint64_t>(message.size());
  return length + raw(masked_crc(length)) + message + raw(masked_crc(message));
}

// Field numbers with their wire types: 0 varint, 1 eight bytes, 2 a length and bytes, 5 four bytes.
constexpr char kWallTime = 1 << 3 | 1, kStep = 2 << 3 | 0, kFileVersion = 3 << 3 | 2, kSummary = 5 << 3 | 2;
constexpr char kValue = 1 << 3 | 2, kTag = 1 << 3 | 2, kSimpleValue = 2 << 3 | 5;

std::string with_length(char field, const std::string& bytes) { return field + varint(bytes.size()) + bytes; }

std::string event_head(double wall_time, int64_t step) {
  return kWallTime + raw(wall_time) + kStep + varint(static_cast<uint64_t>(step));
}

std::string version_event(double wall_time) {
  return event_head(wall_time, 0) + with_length(kFileVersion, "brain.Event:2");
}

constexpr char kMetadata = 9 << 3 | 2, kPlugin = 1 << 3 | 2, kPluginName = 1 << 3 | 2, kPluginContent = 2 << 3 | 2;
constexpr char kSession = 3 << 3 | 2, kHparam = 1 << 3 | 2, kGroup = 4 << 3 | 2, kStartTime = 5 << 3 | 1;
constexpr char kMapKey = 1 << 3 | 2, kMapValue = 2 << 3 | 2, kNumber = 2 << 3 | 1, kText = 3 << 3 | 2;

std::string hparams_event(const Hparams& hparams, const std::string& group, double wall_time) {
  std::string session;
  for (const auto& [name, value] : hparams) {
    const double* number = std::get_if<double>(&value);
    const std::string held = number ? kNumber + raw(*number) : with_length(kText, std::get<std::string>(value));
    session += with_length(kHparam, with_length(kMapKey, name) + with_length(kMapValue, held));
  }
  session += with_length(kGroup, group) + kStartTime + raw(wall_time);
  const std::string plugin =
      with_length(kPluginName, "hparams") + with_length(kPluginContent, with_length(kSession, session));
  const std::string value =
      with_length(kTag, "_hparams_/session_start_info") + with_length(kMetadata, with_length(kPlugin, plugin));
  return event_head(wall_time, 0) + with_length(kSummary, with_length(kValue, value));
}

std::string scalar_event(const Record& record, double wall_time) {
  std::string summary;
  for (size_t i = 3; i < record.entries().size(); ++i) {  // the three common entries are the event's own
    const auto& [name, value] = record.entries()[i];
    if (const double* number = std::get_if<double>(&value)) {
      summary += with_length(kValue, with_length(kTag, name) + kSimpleValue + raw(static_cast<float>(*number)));
    }
  }
  return event_head(wall_time, record.iteration()) + with_length(kSummary, summary);
}

// The message of the first record of `bytes`, or nothing if it is cut off or damaged.
std::optional<std::string_view> first_message(std::string_view bytes) {
  if (bytes.size() < 16) return {};
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length > bytes.size() - 16) return {};
  const std::string_view message = bytes.substr(12, length);
  if (bytes.substr(8, 4) != raw(masked_crc(bytes.substr(0, 8)))) return {};
  if (bytes.substr(12 + length, 4) != raw(masked_crc(message))) return {};
  return message;
}

// Of an event made by event_head.
int64_t step_of(std::string_view message) {
  uint64_t step = 0;
  for (size_t i = 10, shift = 0; i < message.size() && shift < 64; ++i, shift += 7) {
    step |= static_cast<uint64_t>(message[i] & 127) << shift;
    if (!(message[i] & 128)) break;
  }
  return static_cast<int64_t>(step);
}

class TensorBoardSink : public Sink {
 public:
  TensorBoardSink(const std::filesystem::path& path, double start_time_s, const Hparams& hparams,
                  const std::string& group)
      : file_(path), start_time_s_(start_time_s), head_(tfrecord(version_event(start_time_s))) {
    if (!hparams.empty()) head_ += tfrecord(hparams_event(hparams, group, start_time_s));
  }

  std::optional<int64_t> rewind(int64_t iteration) override {
    const std::string content = iteration < 0 ? "" : file_.content();
    std::string kept;
    for (std::string_view rest = content; const auto message = first_message(rest);) {
      if (step_of(*message) <= iteration) kept += rest.substr(0, message->size() + 16);
      rest.remove_prefix(message->size() + 16);
    }
    file_.replace(kept.empty() ? head_ : kept);
    return std::nullopt;
  }

  void write(const Record& record) override {
    file_.append(tfrecord(scalar_event(record, start_time_s_ + record.seconds())));
  }

 private:
  AppendFile file_;
  double start_time_s_;
  std::string head_;  // of a file that begins
};

}  // namespace

std::unique_ptr<Sink> make_tensorboard_sink(const std::filesystem::path& path, double start_time_s,
                                            const Hparams& hparams, const std::string& group) {
  return std::make_unique<TensorBoardSink>(path, start_time_s, hparams, group);
}

}  // namespace optdnn::metrics
