// Any bytes as the metrics files of a run that goes on: what is kept is whole and no later than the checkpoint, going
// on again keeps the same, and a record written then stands behind it. The first byte is the checkpoint's iteration.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "optdnn/metrics/sink.h"

using namespace optdnn::metrics;

namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void check(std::unique_ptr<Sink> (*make)(const std::filesystem::path&), const std::filesystem::path& path,
           const std::string& bytes, int64_t iteration) {
  std::ofstream(path, std::ios::binary) << bytes;
  const auto sink = make(path);
  sink->rewind(iteration);
  const std::string kept = read(path);
  make(path)->rewind(iteration);
  if (read(path) != kept) std::abort();
  if (!kept.empty() && kept.back() != '\n') std::abort();
  Record record(iteration + 1, 1.0, 2.0);
  record.set("loss", 0.5);
  sink->write(record);
  const std::string after = read(path);
  if (after.size() <= kept.size() || after.back() != '\n') std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const std::filesystem::path folder = [] {
    const std::filesystem::path memory = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "";
    const auto made = (memory.empty() ? std::filesystem::temp_directory_path() : memory) /
                      ("optdnn-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(made);
    return made;
  }();
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  check(make_json_lines_sink, folder / "metrics.jsonl", bytes, data[0]);
  check(make_csv_sink, folder / "metrics.csv", bytes, data[0]);
  return 0;
}
