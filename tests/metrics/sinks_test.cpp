// The files: their exact text, and that stopping and continuing leaves no trace in them.
#include <rapidcheck.h>

#include <fstream>
#include <functional>
#include <limits>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/base/random.h"
#include "optdnn/metrics/sink.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace optdnn::metrics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct FileSink {
  const char* name;
  std::function<std::unique_ptr<Sink>(const std::filesystem::path&)> make;
};

const std::vector<FileSink>& file_sinks() {
  static const std::vector<FileSink> sinks = {
      {"metrics.jsonl", make_json_lines_sink},
      {"metrics.csv", make_csv_sink},
      {"tfevents", [](const auto& path) { return make_tensorboard_sink(path, 1.7e9); }},
  };
  return sinks;
}

std::string bytes_of(const std::filesystem::path& path) { return base::read_file(path, 1 << 24); }

std::vector<Record> sample_records() {
  Record log(25, 0.5, 1.25), evaluation(50, 1, 2.5);
  log.set("train/loss", 2.302585092994046);
  log.set("note", std::string("a \"quoted\", odd\nname \x01 \xff"));
  evaluation.set("train/loss", kNan);
  evaluation.set("test/loss", kInfinity);
  evaluation.set("coefficient/0/gamma/3", -kInfinity);
  evaluation.set("train/learning_rate", 1e-20);
  return {log, evaluation};
}

std::string written(const FileSink& kind, const std::vector<Record>& records) {
  const TemporaryFolder folder;
  const auto sink = kind.make(folder / kind.name);
  sink->rewind(-1);
  for (const Record& record : records) sink->write(record);
  return bytes_of(folder / kind.name);
}

std::vector<Record> random_records(base::RandomStream& random) {
  std::vector<Record> records;
  int64_t iteration = 0;
  for (uint64_t n = random.below(12); n > 0; --n) {
    iteration += static_cast<int64_t>(1 + random.below(200));
    Record record(iteration, iteration / 391.0, random.uniform(0, 1e4));
    for (uint64_t m = random.below(5); m > 0; --m) {
      const std::string name = "metric/" + std::to_string(random.below(8));
      if (random.coin()) {
        record.set(name, random.coin() ? random.normal() : kNan);
      } else {
        record.set(name, std::string(1 + random.below(4), "a,\"\n "[random.below(5)]));
      }
    }
    records.push_back(record);
  }
  return records;
}

}  // namespace

TEST_CASE("a JSON line keeps NaN, infinities and every digit") {
  REQUIRE(written(file_sinks()[0], sample_records()) ==
          R"({"iteration": 25, "epoch": 0.5, "seconds": 1.25, "train/loss": 2.302585092994046, )"
          "\"note\": \"a \\\"quoted\\\", odd\\nname \\u0001 \xef\xbf\xbd\"}\n"
          R"({"iteration": 50, "epoch": 1, "seconds": 2.5, "train/loss": NaN, "test/loss": Infinity, )"
          "\"coefficient/0/gamma/3\": -Infinity, \"train/learning_rate\": 1e-20}\n");
}

TEST_CASE("a CSV file grows by columns without moving any") {
  REQUIRE(written(file_sinks()[1], sample_records()) ==
          "iteration,epoch,seconds,train/loss,note,test/loss,coefficient/0/gamma/3,train/learning_rate\n"
          "25,0.5,1.25,2.302585092994046,\"a \"\"quoted\"\", odd\nname \x01 \xff\",,,\n"
          "50,1,2.5,NaN,,Infinity,-Infinity,1e-20\n");
}

TEST_CASE("whole numbers are written as such and all others read back exactly") {
  REQUIRE(json_number(100000) == "100000");
  REQUIRE(json_number(-3) == "-3");
  REQUIRE(json_number(1e300) == "1e+300");
  rc::check("round trip", [](double value) { RC_ASSERT(std::stod(json_number(value)) == value); });
}

TEST_CASE("a run that was cut off and continued leaves the files of an unbroken one") {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    base::RandomStream random(seed, "records");
    const std::vector<Record> records = random_records(random);
    const size_t kept = random.below(records.size() + 1), seen = kept + random.below(records.size() - kept + 1);
    const int64_t resumed_at = kept == 0 ? 0 : records[kept - 1].iteration();
    for (const FileSink& kind : file_sinks()) {
      const TemporaryFolder folder;
      const auto path = folder / kind.name;
      {
        const auto sink = kind.make(path);
        sink->rewind(-1);
        for (size_t i = 0; i < seen; ++i) sink->write(records[i]);
      }
      // A crash in the middle of a write leaves a piece of the next record.
      std::string bytes = bytes_of(path);
      if (seen > kept) bytes.resize(bytes.size() - random.below(4));
      std::ofstream(path, std::ios::binary) << bytes;
      const auto sink = kind.make(path);
      sink->rewind(resumed_at);
      for (size_t i = kept; i < records.size(); ++i) sink->write(records[i]);
      REQUIRE(bytes_of(path) == written(kind, records));
    }
  }
}

TEST_CASE("a run that begins anew forgets the old file") {
  for (const FileSink& kind : file_sinks()) {
    const TemporaryFolder folder;
    std::ofstream(folder / kind.name) << "iteration\n0\n{\"iteration\": 0}\n";
    const auto sink = kind.make(folder / kind.name);
    sink->rewind(-1);
    REQUIRE(bytes_of(folder / kind.name) == written(kind, {}));
  }
}

TEST_CASE("a file that cannot be written is an error of the environment") {
  for (const FileSink& kind : file_sinks()) {
    const TemporaryFolder folder;
    const auto sink = kind.make(folder / "missing" / kind.name);
    REQUIRE_THROWS_AS(sink->rewind(-1), base::EnvironmentError);
  }
}

TEST_CASE("a record replaces a name that comes twice and keeps the order") {
  Record record(1, 2, 3);
  record.set("b", 1.0);
  record.set("a", 2.0);
  record.set("b", 3.0);
  REQUIRE(record.entries().size() == 5);
  REQUIRE(record.entries()[3].first == "b");
  REQUIRE(record.number("b") == 3.0);
  REQUIRE(record.number("iteration") == 1.0);
  REQUIRE(!record.find("c"));
}

TEST_CASE("records that are damaged are left out, and the log says so; what a crash cut off is not") {
  const TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  const std::string lines = written(file_sinks()[0], sample_records());
  const auto log_after = [&](const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
    base::open_log_file(folder / "log.txt");
    make_json_lines_sink(path)->rewind(50);
    base::close_log_file();
    return bytes_of(folder / "log.txt");
  };
  REQUIRE(log_after(lines + "{\"iteration\": 75, \"ep").empty());
  REQUIRE(bytes_of(path) == lines);
  const std::string log = log_after("{\"iteration\": x}\n" + lines);
  REQUIRE(log.find("metrics.jsonl: 1 record is damaged") != std::string::npos);
  REQUIRE(bytes_of(path) == lines);
}

}  // namespace optdnn::metrics
