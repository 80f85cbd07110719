// What a person sees, exactly.
#include <sstream>

#include "optdnn/metrics/mean_record.h"
#include "optdnn/metrics/sink.h"
#include "support/catch.h"

namespace optdnn::metrics {
namespace {

Record log_record() {
  Record record(250, 0.64, 25);
  record.set("train/loss", 1.31249);
  record.set("train/learning_rate", 0.1);
  return record;
}

Record evaluation_record() {
  Record record(391, 1, 50);
  record.set("train/loss", 1.25);
  record.set("test/error_pct", 39.54321);
  return record;
}

std::string shown(const TerminalOptions& options, int64_t rewound_to, const std::vector<Record>& records) {
  std::ostringstream out;
  {
    const auto sink = make_terminal_sink(out, options);
    sink->rewind(rewound_to);
    for (const Record& record : records) sink->write(record);
  }
  return out.str();
}

constexpr const char* kLine =
    "apg2  epoch 1  iteration 391/2,346  train/loss 1.25  test/error_pct 39.54  7.82 iterations/s  4:10 left\n";

}  // namespace

TEST_CASE("away from a terminal there is one line per evaluation") {
  REQUIRE(shown({"apg2", 2346, false, 100}, -1, {log_record(), evaluation_record()}) == kLine);
}

TEST_CASE("on a terminal a bar is drawn over itself, and lines of evaluations stay") {
  const std::string bar =
      "\r\x1b[Kapg2 [==>                                  ]  10%  train/loss 1.312  10 iterations/s  3:30 left";
  REQUIRE(shown({"apg2", 2346, true, 96}, -1, {log_record(), evaluation_record()}) == bar + "\r\x1b[K" + kLine);
  REQUIRE(shown({"apg2", 2346, true, 96}, -1, {log_record()}) == bar + "\n");
}

TEST_CASE("runs that train as one network have the pace of their common clock") {
  const Record evaluation = evaluation_record();
  std::vector<Record> shares;
  for (const double seconds : {12, 13, 12, 13}) {
    shares.emplace_back(391, 1, seconds);
    for (const auto& [name, value] : evaluation.entries()) shares.back().set(name, std::get<double>(value));
  }
  TerminalOptions options{"apg2", 2346, false, 100};
  options.runs = 4;
  REQUIRE(shown(options, -1, {mean_record(shares)}) == kLine);
}

TEST_CASE("a continued run says so and counts its pace from its first record") {
  REQUIRE(shown({"apg2", 782, false, 100}, 200, {log_record(), evaluation_record()}) ==
          "apg2  continues after iteration 200\n"
          "apg2  epoch 1  iteration 391/782  train/loss 1.25  test/error_pct 39.54  5.64 iterations/s  1:10 left\n");
}

TEST_CASE("a run that goes back says so on a line of its own, not on the bar") {
  std::ostringstream out;
  const auto sink = make_terminal_sink(out, {"apg2", 2346, true, 96});
  sink->rewind(-1);
  sink->write(log_record());
  sink->rewind(200);
  REQUIRE(out.str().ends_with("3:30 left\r\x1b[Kapg2  continues after iteration 200\n"));
}

TEST_CASE("a narrow terminal and a run of no iterations are shown all the same") {
  for (const int width : {0, 1, 5, 20}) {
    for (const int64_t iterations : {0, 1, 250}) {
      const std::string text = shown({"apg2", iterations, true, width}, -1, {log_record()});
      REQUIRE(text.size() <= static_cast<size_t>(std::max(width, 1)) + 4);
    }
  }
}

}  // namespace optdnn::metrics
